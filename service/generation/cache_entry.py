"""Entries of the cache as bytes and back; knows no Redis.

Little-endian:

    4 bytes     number of choices

and then of each choice

    23 bytes    its seed (8), n ids (4), p ids of the prompt with log-probabilities (4), 1 + k for log-probabilities of
                the k likeliest ids or 0 for none (2), 1 if it ends before its length (1), s bytes of state (4)
    n ids       of 1, 2 or 4 bytes each, as few as are enough for the vocabulary
    ...         log-probabilities, if there are any, of the ids and of the prompt: of the chosen (4 bytes each), the k
                likeliest ids and theirs (4k bytes each)
    s bytes     the state
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from charrnn.engine.base import Logprobs
from charrnn.vocabulary import Vocabulary
from service.generation.cached_choice import LARGEST_BYTES, CachedChoice, Entry

_COUNT: Final = struct.Struct("<I")
_CHOICE: Final = struct.Struct("<qIIHBI")
_FLOAT: Final = np.dtype("<f4")
_INT: Final = np.dtype("<i4")
_ID_TYPES: Final = tuple(map(np.dtype, ("<u1", "<u2", "<u4")))


def written(entry: Entry, vocabulary: Vocabulary) -> bytes | None:
    """The entry's bytes, without its states if they would have more than LARGEST_BYTES with them, so that it can be cut
    but not extended; None if they would still have more: such an entry would displace many small ones."""
    if sum(map(_size, entry)) > LARGEST_BYTES:
        entry = tuple(replace(choice, state=None) for choice in entry)
        if sum(map(_size, entry)) > LARGEST_BYTES:
            return None
    parts = [_COUNT.pack(len(entry))]
    for choice in entry:
        parts += _parts(choice, vocabulary)
    return b"".join(parts)


def read(data: bytes, vocabulary: Vocabulary) -> Entry:
    """The entry of a version with this vocabulary. Raises ValueError for anything but the bytes of such an entry."""
    reader = _Reader(data)
    (count,) = reader.numbers(_COUNT)
    return tuple([_choice(reader, vocabulary) for _ in range(count)])


def _size(choice: CachedChoice) -> int:
    """About how many bytes the choice takes."""
    arrays = [each.nbytes for each in (choice.logprobs, choice.prompt_logprobs) if each is not None]
    return _CHOICE.size + choice.ids.size + sum(arrays) + len(choice.state or b"")


def _parts(choice: CachedChoice, vocabulary: Vocabulary) -> Iterator[bytes]:
    logprobs, prompt, state = choice.logprobs, choice.prompt_logprobs, choice.state or b""
    given = prompt if logprobs is None else logprobs
    width = 0 if given is None else 1 + given.top.shape[1]
    read = 0 if prompt is None else len(prompt.chosen)
    yield _CHOICE.pack(choice.seed, choice.ids.size, read, width, choice.final, len(state))
    yield choice.ids.astype(_id_type(vocabulary)).tobytes()
    for each in (logprobs, prompt):
        if each is not None:
            yield each.chosen.astype(_FLOAT).tobytes()
            yield each.top_ids.astype(_INT).tobytes()
            yield each.top.astype(_FLOAT).tobytes()
    yield state


def _choice(reader: _Reader, vocabulary: Vocabulary) -> CachedChoice:
    seed, count, read, width, final, size = reader.numbers(_CHOICE)
    ids = reader.array(_id_type(vocabulary), count)
    if count and ids.max() >= len(vocabulary):
        raise ValueError(f"it has ids that are not from 0 to {len(vocabulary) - 1}")
    logprobs = _logprobs(reader, count, width - 1, vocabulary) if width else None
    prompt = _logprobs(reader, read, width - 1, vocabulary) if read else None
    return CachedChoice(seed, ids.astype(np.int32), bool(final), reader.take(size) or None, logprobs, prompt)


def _logprobs(reader: _Reader, count: int, k: int, vocabulary: Vocabulary) -> Logprobs:
    chosen = reader.array(_FLOAT, count)
    top_ids = reader.array(_INT, count * k).reshape(count, k)
    if np.any((top_ids < -1) | (top_ids >= len(vocabulary))):  # -1: nothing precedes a first token
        raise ValueError("it has log-probabilities of ids that are not in the vocabulary")
    return Logprobs(chosen, top_ids, reader.array(_FLOAT, count * k).reshape(count, k))


def _id_type(vocabulary: Vocabulary) -> np.dtype[Any]:
    size = len(vocabulary)
    return _ID_TYPES[0 if size <= 1 << 8 else 1 if size <= 1 << 16 else 2]


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def numbers(self, form: struct.Struct) -> tuple[int, ...]:
        return form.unpack_from(self._data, self._forward(form.size))

    def array(self, kind: np.dtype[Any], count: int) -> npt.NDArray[Any]:
        return np.frombuffer(self._data, kind, count, self._forward(count * kind.itemsize))

    def take(self, size: int) -> bytes:
        start = self._forward(size)
        return self._data[start : start + size]

    def _forward(self, size: int) -> int:
        """Where the next `size` bytes begin."""
        start, self._at = self._at, self._at + size
        if self._at > len(self._data):
            raise ValueError("it is incomplete")
        return start
