"""Gathers evidence of a file's encoding over the whole file, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

SAMPLE_BYTES: Final = 1 << 18
"""The maximum number of bytes of sample lines."""

Counts = npt.NDArray[np.int64]

_HIGH: Final = 0x80


@dataclass(slots=True)
class Evidence:
    """Counts [256 x 256] of the pairs of adjacent bytes with at least one non-ASCII byte in a file, and a sample of the
    lines with such bytes."""

    pairs: Counts = field(default_factory=lambda: np.zeros(1 << 16, np.int64))
    sample: bytes = b""


def gathered(chunks: Iterable[bytes]) -> Evidence:
    """The evidence in these chunks of a file."""
    evidence = Evidence()
    lines = _Sample()
    before = b"\n"
    for chunk in chunks:
        if not (chunk.isascii() and before.isascii()):
            evidence.pairs += counted(before + chunk)
        lines.take(chunk)
        before = chunk[-1:]
    evidence.pairs += counted(before + b"\n")
    evidence.sample = lines.end()
    return evidence


def counted(data: bytes) -> Counts:
    """Counts of the pairs in these bytes, without pairs of ASCII."""
    codes = np.frombuffer(data, np.uint8)
    first, second = codes[:-1], codes[1:]
    beyond = (first | second) >= _HIGH
    return np.bincount(first[beyond].astype(np.intp) << 8 | second[beyond], minlength=1 << 16)


class _Sample:
    """A sample of complete lines with non-ASCII bytes: when there are too many, every second one is dropped, and from
    then on fewer are added.

    A line longer than the whole sample is cut and comes last, where an incomplete character does no harm.
    """

    def __init__(self) -> None:
        self._kept: list[bytes] = []
        self._size = 0
        self._every = 1
        self._seen = 0
        self._open = b""
        self._cut = b""

    def take(self, chunk: bytes) -> None:
        *whole, rest = (self._open + chunk).split(b"\n")
        for line in whole:
            self._offer(line)
        self._open = rest
        if len(rest) > SAMPLE_BYTES:
            self._offer(rest)
            self._open = rest[: SAMPLE_BYTES + 1]

    def end(self) -> bytes:
        self._offer(self._open)
        return b"".join(line + b"\n" for line in self._kept) + self._cut

    def _offer(self, line: bytes) -> None:
        if line.isascii():
            return
        if len(line) > SAMPLE_BYTES:
            self._cut = self._cut or line[:SAMPLE_BYTES]
            return
        self._seen += 1
        if self._seen % self._every:
            return
        self._kept.append(line)
        self._size += len(line)
        while self._size > SAMPLE_BYTES and len(self._kept) > 1:
            self._kept = self._kept[1::2]
            self._every *= 2
            self._size = sum(map(len, self._kept))
