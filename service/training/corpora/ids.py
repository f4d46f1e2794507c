"""The ids of a corpus, stored on disk and memory-mapped, so that its size does not matter; knows no training."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from charrnn.vocabulary import Level, Vocabulary
from charrnn.word_tokens import token_pieces
from charrnn.words import WordVocabulary, described
from durable import files
from durable.drafts import draft
from service.training.corpora.corpus import TEXT, Corpus
from service.training.corpora.decoding import CHUNK, decoded
from service.training.corpora.store import CorpusStore

WORDS: Final = "words.json"

_WIDTHS: Final = ((1 << 8, "uint8"), (1 << 16, "uint16"), (1 << 31, "int32"))

Encoded = np.memmap[tuple[int], np.dtype[np.integer]]
Check = Callable[[], None]


def _never() -> None:
    """A check that never stops the work."""


def ids(
    store: CorpusStore, corpus: Corpus, level: Level = "char", base: Vocabulary | None = None, check: Check = _never
) -> tuple[Vocabulary, Encoded]:
    """A vocabulary for the corpus, and its text as ids [tokens] of that vocabulary, mapped read-only.

    The vocabulary is the corpus's own, or `base` (of the same level) extended by it. The ids are written beside the
    text the first time: one byte for each token if there are up to 256 different ones, else two or four. Meanwhile
    `check` is called several times a second; what it raises stops the work and leaves nothing behind. Raises
    CorpusNotFoundError.
    """
    folder = store.folder(corpus)
    own = Vocabulary(store.characters(corpus)) if level == "char" else _words(folder, check)
    vocabulary = base.extended(own) if base is not None else own
    dtype = smallest(len(vocabulary))
    path = folder / f"ids{'' if level == 'char' and vocabulary == own else _suffix(vocabulary)}.{dtype.name}"
    whole = corpus.characters * dtype.itemsize if level == "char" else None
    if not _is_whole(path, dtype, whole):
        _write(folder, vocabulary, dtype, path, check)
    return vocabulary, np.memmap(path, dtype=dtype, mode="r")


def smallest(size: int) -> np.dtype[np.integer]:
    """The narrowest type that holds the ids of a vocabulary of this size."""
    name = next(name for bound, name in _WIDTHS if size <= bound)
    return np.dtype(name)


def _words(folder: Path, check: Check) -> Vocabulary:
    """The corpus's vocabulary of words, stored beside the text because counting all words takes long."""
    path = folder / WORDS
    with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
        return described(json.loads(files.read(path)))
    description = WordVocabulary.of(_pieces(folder, check)).description
    files.put(path, json.dumps(description).encode())
    return described(description)


def _is_whole(path: Path, dtype: np.dtype[np.integer], size: int | None) -> bool:
    """Whether the file has the ids of the whole text: `size` bytes, or any size if that is not known."""
    try:
        found = path.stat().st_size
    except OSError:
        return False
    if not path.is_file() or found == 0 or found % dtype.itemsize:
        return False
    return size is None or found == size


def _suffix(vocabulary: Vocabulary) -> str:
    text = json.dumps(vocabulary.description)
    return f"-{vocabulary.level}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _write(folder: Path, vocabulary: Vocabulary, dtype: npt.DTypeLike, path: Path, check: Check) -> None:
    with draft(folder) as new:
        for encoded in _encoded(vocabulary, _pieces(folder, check)):
            new.file.write(encoded.astype(dtype).tobytes())
        new.put(path)


def _encoded(vocabulary: Vocabulary, pieces: Iterator[str]) -> Iterator[npt.NDArray[np.int32]]:
    if isinstance(vocabulary, WordVocabulary):
        return (vocabulary.encode_tokens(found) for found in token_pieces(pieces))
    return (vocabulary.encode(piece) for piece in pieces)


def _pieces(folder: Path, check: Check) -> Iterator[str]:
    with (folder / TEXT).open("rb") as text:
        for piece in decoded(iter(lambda: text.read(CHUNK), b""), "utf-8"):
            check()
            yield piece
