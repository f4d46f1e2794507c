from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.patterns.errors import PatternTooLargeError, UnsupportedPatternError
from charrnn.patterns.flattening import flat
from charrnn.patterns.graphs import both, takes
from charrnn.patterns.json_schema.numbers import DIGITS, Bound, multiples, number
from tests.laws import examples

DECIMALS = st.decimals(-200, 200, places=2) | st.integers(-20, 20).map(Decimal) | st.decimals(-1, 1, places=4)
BOUNDS = st.none() | st.builds(Bound, DECIMALS, st.booleans())
WRITTEN = st.from_regex(re.compile(r"-?[0-9]{1,3}(\.[0-9]{1,5})?", re.ASCII), fullmatch=True)


def _within(text: str, lower: Bound | None, upper: Bound | None) -> bool:
    value = Decimal(text)
    above = lower is None or value > lower.number or (value == lower.number and not lower.exclusive)
    return above and (upper is None or value < upper.number or (value == upper.number and not upper.exclusive))


def _is_plain(text: str) -> bool:
    """Whether it is written as it should be: no zeros before, no sign of zero."""
    return re.fullmatch(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?", text) is not None and not (
        text[0] == "-" and not Decimal(text)
    )


@examples(50)
@given(BOUNDS, BOUNDS, st.booleans(), st.lists(WRITTEN, max_size=30))
def test_numbers_are_just_those_within_the_bounds(
    lower: Bound | None, upper: Bound | None, whole: bool, texts: list[str]
) -> None:
    graph = flat(number(lower, upper, whole=whole))
    texts += [f"{bound.number:f}" for bound in (lower, upper) if bound]
    for text in texts:
        fits = _within(text, lower, upper) and _is_plain(text) and not (whole and "." in text)
        assert takes(graph, text) is fits, text


def test_numbers_without_bounds_have_as_many_digits_as_a_double_keeps_apart() -> None:
    whole, any_ = flat(number(None, None, whole=True)), flat(number(None, None, whole=False))
    for graph in (whole, any_):
        assert takes(graph, "9" * DIGITS)
        assert takes(graph, "-" + "9" * DIGITS)
        assert not takes(graph, "9" * (DIGITS + 1))
        assert not takes(graph, "1e5")
    assert takes(any_, "0." + "1" * (DIGITS - 1))
    assert not takes(any_, "0." + "1" * DIGITS)
    assert not takes(any_, "12.")


def test_longer_bounds_are_reached() -> None:
    largest = 2**64 - 1
    graph = flat(number(Bound(Decimal(0)), Bound(Decimal(largest)), whole=True))
    assert takes(graph, str(largest))
    assert not takes(graph, str(largest + 1))
    above = flat(number(Bound(Decimal(10**17)), None, whole=True))
    assert takes(above, "9" * 18)
    assert not takes(above, "9" * 17)
    assert not takes(above, "9" * 19)


def test_bounds_that_are_out_of_reach_say_nothing() -> None:
    graph = flat(number(Bound(Decimal("-1e300")), Bound(Decimal("1e300")), whole=True))
    assert takes(graph, "-" + "9" * DIGITS)
    assert not takes(graph, "9" * (DIGITS + 1))
    for lower, upper in ((Bound(Decimal("1e300")), None), (None, Bound(Decimal("-1e300")))):
        with pytest.raises(UnsupportedPatternError, match=r"a number of more than 20 digits at \"/x\""):
            number(lower, upper, whole=True, place='at "/x"')


@pytest.mark.parametrize("of", [1, 2, 7, 10, 12])
def test_multiples_are_just_these(of: int) -> None:
    graph = both(flat(number(None, None, whole=True)), multiples(of))
    for value in range(-30, 150):
        assert takes(graph, str(value)) is (value % of == 0)
    assert not takes(graph, "-0")
    assert not takes(graph, "-")


def test_multiples_of_a_large_number_are_too_many_states() -> None:
    with pytest.raises(PatternTooLargeError):
        multiples(10**9 + 7)
