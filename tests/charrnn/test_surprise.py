"""Spans that stand out, compared with looking at every span there is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.surprise import Span, Threshold, largest_excess, maximal_spans, surprising

Scores = list[int]
SCORES = st.lists(st.integers(-5, 5), max_size=12)


def every(scores: Scores) -> list[tuple[int, int]]:
    return [(start, stop) for start in range(len(scores)) for stop in range(start + 1, len(scores) + 1)]


def is_maximal_within(scores: Scores, start: int, stop: int) -> bool:
    """Whether all that the span begins with, and all that it ends with, adds to it: the definition of a maximal span,
    without that nothing contains it."""
    beginnings = all(sum(scores[start:at]) > 0 for at in range(start + 1, stop + 1))
    return beginnings and all(sum(scores[at:stop]) > 0 for at in range(start, stop))


@given(SCORES)
def test_maximal_spans_are_those_of_the_definition(scores: Scores) -> None:
    good = [span for span in every(scores) if is_maximal_within(scores, *span)]
    maximal = [
        (start, stop)
        for start, stop in good
        if not any(a <= start and stop <= b and (a, b) != (start, stop) for a, b in good)
    ]
    found = maximal_spans(np.array(scores, dtype=np.float64))
    assert [(span.start, span.stop) for span in found] == maximal
    assert [span.excess for span in found] == [sum(scores[start:stop]) for start, stop in maximal]


@given(SCORES)
def test_the_largest_excess_is_that_of_the_best_span(scores: Scores) -> None:
    best = max((sum(scores[start:stop]) for start, stop in every(scores)), default=0)
    assert largest_excess(np.array(scores, dtype=np.float64) + 2, 2) == max(0, best)


@pytest.mark.parametrize(
    ("bits", "expected"),
    [
        ([], []),
        ([1, 2, 5, 1], []),
        ([1, 9, 9, 1], [Span(1, 3, 8)]),
        ([1, 9, 4, 9, 1], [Span(1, 4, 7)]),
        ([12, 0, 0, 11], [Span(0, 1, 7), Span(3, 4, 6)]),
        ([11, 0, 0, 12, 0, 0, 0, 14, 0, 0, 13], [Span(3, 4, 7), Span(7, 8, 9), Span(10, 11, 8)]),
    ],
)
def test_what_stands_out_of_a_text(bits: list[int], expected: list[Span]) -> None:
    assert surprising(np.array(bits, dtype=np.float64), Threshold(5, 5.5)) == expected
