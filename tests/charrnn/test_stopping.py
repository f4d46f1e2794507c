from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.stopping import StopMatcher


def passed(stops: list[str], pieces: list[str]) -> tuple[str, bool]:
    matcher = StopMatcher(stops)
    text = "".join(matcher.feed(piece) for piece in pieces)
    return text + matcher.flush(), matcher.stopped


@pytest.mark.parametrize(
    ("stops", "pieces", "expected"),
    [
        (["\n\n"], ["one\n", "\ntwo"], ("one", True)),
        (["END"], ["E", "N", "D", "x"], ("", True)),
        (["END"], ["E", "N"], ("EN", False)),
        (["ab c", "b"], ["ab c"], ("a", True)),
        (["bc", "abc"], ["xabc"], ("x", True)),
        ([], ["all", " of it"], ("all of it", False)),
    ],
)
def test_the_text_ends_before_the_stop(stops: list[str], pieces: list[str], expected: tuple[str, bool]) -> None:
    assert passed(stops, pieces) == expected


def test_the_stop_can_be_part_of_the_text() -> None:
    matcher = StopMatcher(["bc", "abc", "x"], included=True)
    assert (matcher.feed("zza"), matcher.feed("bcx")) == ("zz", "abc")
    assert matcher.stopped


def test_a_stop_counts_where_its_end_may_stop_and_not_before() -> None:
    matcher = StopMatcher(["b", "abc"])
    assert matcher.feed("zab", may_stop=False) == "z"  # what may begin the longer one is held back
    assert (matcher.feed("c"), matcher.stopped) == ("", True)
    matcher = StopMatcher(["b", "abc"])
    matcher.feed("zab", may_stop=False)
    assert (matcher.feed("d"), matcher.feed("b"), matcher.stopped) == ("abd", "", True)


texts = st.text("abc", max_size=30)


@given(st.lists(st.text("abc", min_size=1, max_size=4), max_size=4), texts, st.data())
def test_the_result_does_not_depend_on_the_pieces(stops: list[str], text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert passed(stops, pieces) == passed(stops, [text]) == passed(stops, list(text))


@given(st.lists(st.text("abc", min_size=1, max_size=4), min_size=1, max_size=4), st.lists(texts, max_size=6))
def test_nothing_of_a_stop_text_is_passed_on(stops: list[str], pieces: list[str]) -> None:
    text, stopped = passed(stops, pieces)
    assert not any(stop in text for stop in stops)
    assert stopped == any(stop in "".join(pieces) for stop in stops)
