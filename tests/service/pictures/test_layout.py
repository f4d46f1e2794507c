from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.pictures.layout import Glyph, Line, lines


def shown(line: Line) -> str:
    return "".join(glyph.text for glyph in line)


def test_lines_end_where_the_text_says() -> None:
    found = list(lines("ab\n\ncd"))
    assert [shown(line) for line in found] == ["ab↵", "↵", "cd"]
    assert found[0][2] == Glyph("↵", 1, 2, "mark")


def test_lines_are_broken_between_words_and_long_words_anywhere() -> None:
    assert [shown(line) for line in lines("one two three", 8)] == ["one·two·", "three"]
    assert [shown(line) for line in lines("one" + "x" * 60, 30)] == ["one" + "x" * 27, "x" * 30, "xxx"]


def test_a_line_end_hangs_over() -> None:
    assert [shown(line) for line in lines("abcd\nab", 4)] == ["abcd↵", "ab"]


def test_a_sign_that_the_text_itself_has_ends_no_line() -> None:
    assert [shown(line) for line in lines("a↵b")] == ["a↵b"]


@pytest.mark.parametrize(
    ("character", "glyph"),
    [
        (" ", Glyph("·", 1, 0, "mark")),
        ("\t", Glyph("⇥", 4, 0, "mark")),
        ("\r", Glyph("000D", 2, 0, "code")),
        ("\x00", Glyph("0000", 2, 0, "code")),
        ("\u00a0", Glyph("00A0", 2, 0, "code")),
        ("\u200b", Glyph("200B", 2, 0, "code")),
        ("\ud800", Glyph("D800", 2, 0, "code")),
        ("\U000e0001", Glyph("E0001", 3, 0, "code")),
        ("\u0301", Glyph("\u25cc\u0301", 1, 0)),
        ("語", Glyph("語", 2, 0)),
        ("é", Glyph("é", 1, 0)),
    ],
)
def test_everything_is_visible(character: str, glyph: Glyph) -> None:
    assert list(lines([character])) == [[glyph]]


@given(tokens=st.lists(st.text(max_size=12), max_size=60), columns=st.integers(4, 40))
def test_every_character_is_drawn_once_and_no_line_is_too_long(tokens: list[str], columns: int) -> None:
    found = list(lines(tokens, columns))
    assert [glyph.token for line in found for glyph in line] == [i for i, token in enumerate(tokens) for _ in token]
    for line in found:
        assert sum(glyph.width for glyph in line) <= columns + line[-1].ends_line
        assert not any(glyph.ends_line for glyph in line[:-1])
