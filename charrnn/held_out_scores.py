"""How likely a network finds each of the records that were held out: the scale on which other texts are judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np

from charrnn.surprise import Bits, Threshold, largest_excess

QUANTILES: Final = 257
DIGITS: Final = 6
"""Decimals that are kept."""

USUAL: Final = 0.95
"""This share of all tokens has no more bits than is usual."""
STANDS_OUT: Final = 0.98
"""In this share of the records no span stands out."""


@dataclass(frozen=True, slots=True)
class HeldOutScores:
    """Of `records` many, the quantiles of bits per character, from the least to the most, evenly spaced in rank; and
    what stands out within a text. Raises ValueError for fewer than two quantiles, or if they are not in order."""

    records: int
    bits_per_character: tuple[float, ...]
    threshold: Threshold

    def __post_init__(self) -> None:
        values = self.bits_per_character
        if len(values) < 2 or not all(low <= high for low, high in pairwise(values)):
            raise ValueError("quantiles must be at least 2 numbers in ascending order")

    @classmethod
    def of(cls, scored: Iterable[tuple[Bits, int]]) -> HeldOutScores | None:
        """Those of records given as (bits of each token, characters); None if there is none."""
        found = [(bits, characters) for bits, characters in scored if characters]
        if not found:
            return None
        rates = [float(bits.sum()) / characters for bits, characters in found]
        usual = float(np.quantile(np.concatenate([bits for bits, _ in found]), USUAL))
        excesses = [largest_excess(bits, usual) for bits, _ in found]
        quantiles = np.quantile(rates, np.linspace(0, 1, QUANTILES)).round(DIGITS)
        least = float(np.quantile(excesses, STANDS_OUT))
        return cls(len(found), tuple(quantiles.tolist()), Threshold(round(usual, DIGITS), round(least, DIGITS)))

    def percentile(self, bits_per_character: float) -> float:
        """The share of the records, 0 to 1, that have fewer bits per character."""
        values = self.bits_per_character
        above = int(np.searchsorted(values, bits_per_character))
        if above in (0, len(values)):
            return float(above > 0)
        low, high = values[above - 1], values[above]
        return (above - 1 + (bits_per_character - low) / (high - low)) / (len(values) - 1)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON, from which `from_dict` makes an equal one."""
        return {
            "records": self.records,
            "bits_per_character": list(self.bits_per_character),
            "usual_bits": self.threshold.usual,
            "least_excess": self.threshold.least,
        }

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> HeldOutScores:
        """Raises KeyError, TypeError, ValueError for anything else than `as_dict` returns."""
        values = tuple(float(each) for each in kept["bits_per_character"])
        threshold = Threshold(float(kept["usual_bits"]), float(kept["least_excess"]))
        return cls(int(kept["records"]), values, threshold)
