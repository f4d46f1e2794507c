"""Where a text ends, whatever the pieces are that it comes in, and goes on after that."""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.stopping import NOTHING_PENDING, Detokenizer, StopMatcher
from charrnn.vocabulary import Ids
from charrnn.words import WordVocabulary


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


WORDS: Final = WordVocabulary(("ab", "ba", "aab", "c", "a", "b"))
ids = st.lists(st.integers(0, len(WORDS.words) - 1), max_size=20).map(lambda found: np.array(found, dtype=np.int32))
stop_lists = st.lists(st.text("abc", min_size=1, max_size=4), min_size=1, max_size=3)


def read(detokenizer: Detokenizer, ids: Ids, *, done: bool) -> str:
    """The text of a sequence that is passed on token by token."""
    text = detokenizer.begun
    for at in range(ids.size):
        text += detokenizer.feed(ids[at : at + 1])
    return text + detokenizer.feed(ids[:0], done=done)


@given(ids, stop_lists, st.booleans(), st.integers(0, 8), st.booleans(), st.data())
def test_a_text_that_is_cut_and_continued_is_the_whole_one(
    ids: Ids, stops: list[str], included: bool, least: int, done: bool, data: st.DataObject
) -> None:
    whole = Detokenizer(WORDS, stops, include_stop=included, min_tokens=least)
    text = read(whole, ids, done=True)
    cut = data.draw(st.integers(0, ids.size))
    first = Detokenizer(WORDS, stops, include_stop=included, min_tokens=least)
    begun = read(first, ids[:cut], done=done)  # or cut off while text is held back
    if first.stopped:
        assert (begun, first.tokens) == (text, whole.tokens)
        return
    left = max(0, least - first.tokens)
    second = Detokenizer(WORDS, stops, include_stop=included, min_tokens=left, pending=first.pending)
    rest = read(second, ids[cut:], done=True)
    assert (second.stopped, first.tokens + second.tokens) == (whole.stopped, whole.tokens)
    if included or not done or len(text) >= len(begun):
        assert begun + rest == text
    else:  # the stop text begins in what was passed on already, as the end of a text
        assert rest == "" and begun.startswith(text)


@given(ids, stop_lists)
def test_a_text_that_goes_on_after_each_stop_text_loses_nothing(ids: Ids, stops: list[str]) -> None:
    found, pending, at, times = "", NOTHING_PENDING, 0, 0
    while True:
        detokenizer = Detokenizer(WORDS, stops, include_stop=True, pending=pending)
        found += read(detokenizer, ids[at:], done=True)
        at, pending = at + detokenizer.tokens, detokenizer.pending
        if not detokenizer.stopped:
            break
        times += 1
        assert found.endswith(tuple(stops))
    assert found == WORDS.decode(ids)
    if len(stops) == 1:
        assert times == len(re.findall(re.escape(stops[0]), found))


@given(ids, stop_lists)
def test_what_was_pending_is_passed_on_where_nothing_is_searched_for_any_more(ids: Ids, stops: list[str]) -> None:
    first = Detokenizer(WORDS, stops, include_stop=True)
    text = read(first, ids, done=False)
    second = Detokenizer(WORDS, pending=first.pending)
    assert text + read(second, ids[first.tokens :], done=True) == WORDS.decode(ids)
