"""Which texts have occurred before, among millions, in 16 bytes each or less; the texts themselves are not kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from charrnn.fingerprints import Fingerprints, fingerprints

RECENT: Final = 1 << 14
"""How many of the latest hashes are kept in a set before they are merged with the others."""


class DistinctTexts:
    """Texts by their 64-bit hashes: among a million, two have the same one with a probability of 3 in 100 million."""

    def __init__(self) -> None:
        self._sorted: Fingerprints = np.zeros(0, np.uint64)
        self._recent: set[int] = set()

    def add_all(self, texts: Sequence[str]) -> list[bool]:
        """Add texts in order; returns which of them are new."""
        hashes = fingerprints(texts)
        old = self._are_known(hashes)
        new = [self._add(known, hash_) for known, hash_ in zip(old, hashes.tolist(), strict=True)]
        if len(self._recent) >= RECENT:
            self._merge()
        return new

    def _are_known(self, hashes: Fingerprints) -> list[bool]:
        if not self._sorted.size:
            return [False] * len(hashes)
        places = np.searchsorted(self._sorted, hashes).clip(max=self._sorted.size - 1)
        found: list[bool] = (self._sorted[places] == hashes).tolist()
        return found

    def _add(self, known: bool, hash_: int) -> bool:
        if known or hash_ in self._recent:
            return False
        self._recent.add(hash_)
        return True

    def _merge(self) -> None:
        recent = np.fromiter(self._recent, np.uint64, len(self._recent))
        self._sorted = np.sort(np.concatenate([self._sorted, recent]), kind="stable")
        self._recent = set()
