"""Which spans of a text are more surprising than usual; knows no networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Bits = npt.NDArray[np.floating]
"""The surprisal of each token."""

MOST: Final = 3
"""How many spans of a text are reported."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """What stands out: a span of tokens whose bits, less `usual` bits for each of them, sum up to more than `least`."""

    usual: float = 6.0
    least: float = 6.0


@dataclass(frozen=True, slots=True)
class Span:
    """Tokens from `start` to `stop`, and by how many bits they exceed what is usual."""

    start: int
    stop: int
    excess: float


def surprising(bits: Bits, threshold: Threshold, most: int = MOST) -> list[Span]:
    """The spans that stand out, at most `most`, those that exceed most, in the order of the text."""
    found = [span for span in maximal_spans(bits - threshold.usual) if span.excess > threshold.least]
    best = sorted(found, key=lambda span: -span.excess)[:most]
    return sorted(best, key=lambda span: span.start)


def largest_excess(bits: Bits, usual: float) -> float:
    """The excess of the span that exceeds most; 0 if no token exceeds what is usual."""
    sums = np.concatenate([np.zeros(1), np.cumsum(bits - usual)])
    return float(np.max(sums - np.minimum.accumulate(sums)))


def maximal_spans(scores: Bits) -> list[Span]:
    """All spans whose sum no extension and no part of them exceeds, disjoint and in order: neighbours are joined where
    what lies between them costs less than either adds.

    W. L. Ruzzo and M. Tompa, A linear time algorithm for finding all maximal scoring subsequences, ISMB 1999.
    """
    spans: list[_Candidate] = []
    total = 0.0
    for at, score in enumerate(scores.tolist()):
        before, total = total, total + score
        if score <= 0:
            continue
        candidate, lower = _Candidate(at, at + 1, before, total), len(spans) - 1
        while True:
            while lower >= 0 and spans[lower].before >= candidate.before:
                lower = spans[lower].lower
            if lower < 0 or spans[lower].after >= candidate.after:
                break
            candidate.start, candidate.before = spans[lower].start, spans[lower].before
            next_lower = spans[lower].lower
            del spans[lower:]
            lower = next_lower
        candidate.lower = lower
        spans.append(candidate)
    return [Span(each.start, each.stop, each.after - each.before) for each in spans]


@dataclass(slots=True)
class _Candidate:
    """A span, the sums of all scores before it and to its end, and the index of the nearest earlier candidate with a
    smaller sum before it (-1: none)."""

    start: int
    stop: int
    before: float
    after: float
    lower: int = -1
