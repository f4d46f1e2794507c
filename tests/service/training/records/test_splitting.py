from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.training.records.splitting import lines, paragraphs, split
from tests.service.training.records.pieces import CUTS, in_pieces

TEXTS = st.text(alphabet="ab|\n \r", max_size=60)


@given(TEXTS, st.sampled_from(["\n", "|", "ab", "\n|\n", "aab"]))
def test_the_parts_and_their_lines_are_those_of_the_text(text: str, separator: str) -> None:
    found = list(split([text], separator, 100))
    assert [part for _, part in found] == text.split(separator)
    place = 0
    for line, part in found:
        assert line == 1 + text.count("\n", 0, place)
        place += len(part) + len(separator)


@given(TEXTS, CUTS, st.sampled_from(["\n", "|", "ab", "\n|\n"]), st.integers(1, 8))
def test_pieces_make_no_difference(text: str, cuts: list[int], separator: str, longest: int) -> None:
    """Of parts that are too long only the beginning is compared."""
    pieces = in_pieces(text, cuts)
    assert "".join(pieces) == text

    def shown(pieces: list[str]) -> list[tuple[int, str]]:
        return [(line, part[: longest + 1]) for line, part in split(pieces, separator, longest)]

    assert shown(pieces) == shown([text])
    for unit in (lines, paragraphs):
        assert list(unit(pieces, 100)) == list(unit([text], 100))


def test_a_part_that_never_ends_is_not_held() -> None:
    seen = []
    for line, part in split(("x" * 1000 + "\n" for _ in range(1000)), "|", 50):
        seen.append((line, len(part)))
    assert seen == [(1, seen[0][1])]
    assert 50 < seen[0][1] < 2000


def test_lines_after_a_part_that_was_shortened_are_counted() -> None:
    pieces = ["a\nb\n" * 50, "c\n" * 50, "|second|", "third"]
    assert [line for line, _ in split(pieces, "|", 5)] == [1, 151, 151]


def test_the_end_of_a_line_may_have_a_carriage_return() -> None:
    assert list(lines(["a\r\nb\r\r\n\nc"], 9)) == [(1, "a"), (2, "b\r"), (3, ""), (4, "c")]


def test_blank_lines_separate_paragraphs() -> None:
    text = "\n\none\ntwo\n \t\n\nthree\n\n\n"
    assert list(paragraphs([text], 99)) == [(3, "one\ntwo"), (7, "three")]


@pytest.mark.parametrize("length", range(9, 13))
def test_a_paragraph_is_held_up_to_the_bound(length: int) -> None:
    """One more character shows that it is too long."""
    text = "x\n" * 1000
    ((_, found),) = paragraphs([text], length)
    assert length < len(found) <= length + 2
    exact = ("x\n" * 6)[:11]
    ((_, found),) = paragraphs([exact], 11)
    assert found == "\n".join("x" * 6)
