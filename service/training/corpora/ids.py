"""The ids of a corpus, stored on disk and memory-mapped, so that its size does not matter; knows no training."""

from __future__ import annotations

import hashlib
import json
import os
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
from service.training.corpora.corpus import Corpus
from service.training.corpora.decoding import CHUNK, decoded
from service.training.corpora.store import CorpusStore

WORDS: Final = "words.json"

_DIGEST: Final = hashlib.sha256().digest_size
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
    text the first time: one byte for each token if there are up to 256 different ones, else two or four; then their
    SHA-256, so that damaged ones are written again. Meanwhile `check` is called several times a second; what it raises
    stops the work and leaves nothing behind. Raises CorpusNotFoundError, and CorpusDamagedError if the text is not what
    was uploaded.
    """
    folder = store.folder(corpus)
    own = Vocabulary(store.characters(corpus)) if level == "char" else _words(store, corpus, check)
    vocabulary = base.extended(own) if base is not None else own
    dtype = smallest(len(vocabulary))
    path = folder / f"ids{'' if level == 'char' and vocabulary == own else _suffix(vocabulary)}.{dtype.name}"
    found = _mapped(path, dtype)
    if found is None:
        _write(store.verified(corpus, check), vocabulary, dtype, path, check)
        found = _mapped(path, dtype)
        assert found is not None
    return vocabulary, found


def smallest(size: int) -> np.dtype[np.integer]:
    """The narrowest type that holds the ids of a vocabulary of this size."""
    name = next(name for bound, name in _WIDTHS if size <= bound)
    return np.dtype(name)


def _words(store: CorpusStore, corpus: Corpus, check: Check) -> Vocabulary:
    """The corpus's vocabulary of words, stored beside the text because counting all words takes long."""
    path = store.folder(corpus) / WORDS
    with suppress(OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        kept = json.loads(files.read(path))
        if _digest_of(kept["description"]) == kept["sha256"]:
            return described(kept["description"])
    description = WordVocabulary.of(_pieces(store.path(corpus), check)).description
    files.put(path, json.dumps({"description": description, "sha256": _digest_of(description)}).encode())
    return described(description)


def _digest_of(description: object) -> str:
    return hashlib.sha256(json.dumps(description).encode()).hexdigest()


def _mapped(path: Path, dtype: np.dtype[np.integer]) -> Encoded | None:
    """The ids in a file; None if there are none, or if they do not match the digest after them."""
    try:
        with files.opened(path) as file:
            size = os.fstat(file.fileno()).st_size - _DIGEST
            if size <= 0 or size % dtype.itemsize:
                return None
            found: Encoded = np.memmap(file, dtype=dtype, mode="r", shape=(size // dtype.itemsize,))
            file.seek(size)
            return found if hashlib.sha256(found.data).digest() == file.read() else None
    except OSError:
        return None


def _suffix(vocabulary: Vocabulary) -> str:
    return f"-{vocabulary.level}-{_digest_of(vocabulary.description)[:16]}"


def _write(text: Path, vocabulary: Vocabulary, dtype: npt.DTypeLike, path: Path, check: Check) -> None:
    digest = hashlib.sha256()
    with draft(path.parent) as new:
        for encoded in _encoded(vocabulary, _pieces(text, check)):
            data = encoded.astype(dtype).tobytes()
            digest.update(data)
            new.file.write(data)
        new.file.write(digest.digest())
        new.put(path)


def _encoded(vocabulary: Vocabulary, pieces: Iterator[str]) -> Iterator[npt.NDArray[np.int32]]:
    if isinstance(vocabulary, WordVocabulary):
        return (vocabulary.encode_tokens(found) for found in token_pieces(pieces))
    return (vocabulary.encode(piece) for piece in pieces)


def _pieces(text: Path, check: Check) -> Iterator[str]:
    with text.open("rb") as file:
        for piece in decoded(iter(lambda: file.read(CHUNK), b""), "utf-8"):
            check()
            yield piece
