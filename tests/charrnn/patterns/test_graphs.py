from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.patterns.errors import PatternTooLargeError
from charrnn.patterns.flattening import flat
from charrnn.patterns.graphs import both, of_length, takes
from charrnn.patterns.syntax import parsed
from tests.laws import examples

EXPRESSIONS = st.sampled_from(["a*b*", "(?:ab)*", ".{3}", ".*a.*", ".*[^b]", "b?a?b?", "[ab]c|", "(?i:A+)b?", ""])


@examples(50)
@given(EXPRESSIONS, EXPRESSIONS, st.lists(st.text("abc", max_size=5), max_size=20))
def test_both_is_what_two_graphs_have_in_common(first: str, second: str, texts: list[str]) -> None:
    graph = both(flat(parsed(first)), flat(parsed(second)))
    for text in texts:
        assert takes(graph, text) is (bool(re.fullmatch(first, text)) and bool(re.fullmatch(second, text))), text


@given(st.integers(0, 5), st.none() | st.integers(0, 5), st.text("a\n", max_size=8))
def test_texts_of_a_length(least: int, most: int | None, text: str) -> None:
    assert takes(of_length(least, most), text) is (least <= len(text) and (most is None or len(text) <= most))


def test_what_leads_to_no_end_is_left_out() -> None:
    assert len(both(flat(parsed("a{5}")), flat(parsed("a{4}"))).edges) == 1
    assert len(both(flat(parsed("a{5}|b")), flat(parsed("a{4}|b"))).edges) == 2


def test_what_is_too_large_is_refused() -> None:
    with pytest.raises(PatternTooLargeError):
        of_length(10**9, None)
