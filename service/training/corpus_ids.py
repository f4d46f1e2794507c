"""A corpus as ids on disk, mapped instead of read, so that its size does not matter; knows nothing of training."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from charrnn.vocabulary import Vocabulary
from model_store import files
from service.training.corpora import TEXT, CorpusStore
from service.training.decoding import CHUNK, decoded

_WIDTHS: Final = ((1 << 8, "uint8"), (1 << 16, "uint16"), (1 << 31, "int32"))

Encoded = np.memmap[tuple[int], np.dtype[np.integer]]


def ids(store: CorpusStore, corpus: str) -> tuple[Vocabulary, Encoded]:
    """The corpus's vocabulary and its text in that vocabulary's ids, [characters], mapped read-only.

    Written beside the text the first time: one byte a character for up to 256 different ones, else two or four.
    Raises CorpusNotFoundError.
    """
    vocabulary, folder = Vocabulary(store.characters(corpus)), store.folder(corpus)
    dtype = smallest(len(vocabulary))
    path = folder / f"ids.{dtype.name}"
    if not path.exists():
        _write(folder, vocabulary, dtype, path)
    return vocabulary, np.memmap(path, dtype=dtype, mode="r")


def smallest(size: int) -> np.dtype[np.integer]:
    """The narrowest type that holds the ids of a vocabulary of this size."""
    name = next(name for bound, name in _WIDTHS if size <= bound)
    return np.dtype(name)


def _write(folder: Path, vocabulary: Vocabulary, dtype: npt.DTypeLike, path: Path) -> None:
    with (folder / TEXT).open("rb") as text, files.draft(folder) as file:
        for piece in decoded(iter(lambda: text.read(CHUNK), b""), "utf-8"):
            file.write(vocabulary.encode(piece).astype(dtype).tobytes())
        files.finish(file)
        Path(file.name).replace(path)
