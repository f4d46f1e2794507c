"""Which lines stand in a text word for word: what a network repeats of its corpus, and what a held-out part has in
common with the part that was trained on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from charrnn.vocabulary import codepoints

LEAST: Final = 40
"""In characters. Shorter lines are alike by chance, or are what a format asks for."""

STRETCH: Final = 1 << 20
"""How many characters are looked at together."""

_BASE: Final = np.uint64(0x9E3779B97F4A7C15)
_LIKELY_BITS: Final = 20
_REST: Final = np.uint64(64 - _LIKELY_BITS)

Hashes = npt.NDArray[np.uint64]


def lines_of(text: str) -> list[str]:
    """The whole lines of a passage that have LEAST characters or more; its first and its last line may be parts of
    lines."""
    return [line for line in text.split("\n")[1:-1] if len(line) >= LEAST]


def copied(lines: Sequence[str], passages: Iterable[str]) -> npt.NDArray[np.bool_]:
    """Which of the lines, of LEAST characters or more, stand in one of the passages, [lines]. All lines are looked for
    at once, in stretches (Karp, Rabin: Efficient Randomized Pattern-Matching Algorithms, 1987): where LEAST characters
    have the hash of a line's first ones, the line is compared."""
    beginnings: dict[int, list[int]] = {}
    for index, line in enumerate(lines):
        beginnings.setdefault(int(_hashes(line[:LEAST])[0]), []).append(index)
    likely = np.zeros(1 << _LIKELY_BITS, dtype=np.bool_)  # a look-up in it is faster than a search
    likely[np.fromiter(beginnings, np.uint64, len(beginnings)) >> _REST] = True
    found = np.zeros(len(lines), dtype=np.bool_)
    for passage in passages:
        for start in range(0, len(passage) - LEAST + 1, STRETCH):
            hashes = _hashes(passage[start : start + STRETCH + LEAST - 1])
            for place in np.flatnonzero(likely[hashes >> _REST]).tolist():
                for index in beginnings.get(int(hashes[place]), []):
                    found[index] |= passage.startswith(lines[index], start + place)
    return found


def _hashes(text: str) -> Hashes:
    """A hash of each LEAST characters in a row, [len(text) - LEAST + 1]: a polynomial modulo 2**64."""
    return _joined(codepoints(text).astype(np.uint64) + np.uint64(1), LEAST)


def _joined(single: Hashes, length: int) -> Hashes:
    """The hashes of `length` in a row from those of one: of twice as many from two that are side by side."""
    if length == 1:
        return single
    half = _joined(single, length // 2)
    pair = half[: len(half) - length // 2] * np.power(_BASE, np.uint64(length // 2)) + half[length // 2 :]
    whole: Hashes = pair if length % 2 == 0 else pair[:-1] * _BASE + single[length - 1 :]
    return whole
