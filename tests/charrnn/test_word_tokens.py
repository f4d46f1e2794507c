"""Texts cut into words and other tokens: exact whatever the text and however it comes in pieces."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.word_tokens import LONGEST, token_pieces, tokens
from tests.charrnn.texts import TRICKY


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't stop.", ["Don't", " ", "stop", "."]),
        ("a, b\r\n\n c", ["a", ",", " ", "b", "\r\n", "\n", " ", "c"]),
        ("'tis 'a'", ["'", "tis", " ", "'", "a", "'"]),
        ("v12.5_x", ["v", "1", "2", ".", "5", "_", "x"]),
        ("e\u0301te\u0301", ["e\u0301te\u0301"]),
        ("\u05e9\u05b8\u05dc\u05d5\u05b9\u05dd!", ["\u05e9\u05b8\u05dc\u05d5\u05b9\u05dd", "!"]),
        ("\u4f60\u597d", ["\u4f60", "\u597d"]),
        ("x" * (LONGEST + 1), ["x" * LONGEST, "x"]),
        ("x" * (LONGEST - 1) + "'b", ["x" * (LONGEST - 1), "'", "b"]),
        ("x" * (LONGEST - 2) + "'bc", ["x" * (LONGEST - 2) + "'b", "c"]),
        ("c'" * LONGEST + "d", ["c'" * (LONGEST // 2 - 1) + "c", "'"] * 2 + ["d"]),
    ],
)
def test_words_punctuation_and_space_are_tokens(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


@given(TRICKY, st.lists(st.integers(0, 40)))
def test_tokens_are_the_same_however_a_text_is_cut(text: str, cuts: list[int]) -> None:
    ends = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [text[a:b] for a, b in itertools.pairwise(ends)]
    found = [token for piece in token_pieces(pieces) for token in piece]
    assert found == tokens(text)
    assert "".join(found) == text


@given(TRICKY)
def test_a_token_is_short_and_alone_the_same_token(text: str) -> None:
    found = tokens(text)
    assert "".join(found) == text
    for token in found:
        assert 1 <= len(token) <= LONGEST
        assert tokens(token) == [token]
