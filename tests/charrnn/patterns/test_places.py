"""The first place of what is not supported is found, whatever else is before it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.patterns import places
from charrnn.patterns.errors import UnsupportedPatternError
from charrnn.patterns.places import flag, told
from charrnn.patterns.syntax import parsed

UNSUPPORTED = {
    r"\1": places.REFERENCE,
    "(?P=x)": places.REFERENCE,
    "(?=a)": places.AHEAD,
    "(?!a)": places.AHEAD,
    "(?<=a)": places.BEHIND,
    "(?<!a)": places.BEHIND,
    "(?(1)a|b)": places.CONDITION,
    "(?>a)": places.ATOMIC,
    "(?m:a)": flag("m"),
    "(?ix:a)": flag("x"),
    "(?a-s:a)": flag("a"),
}
POSSESSIVE = ("++", "*+", "?+", "{2}+", "{2,}+", "{,2}+", "{,}+")
HARMLESS = (
    *(
        "a",
        "\n",
        r"\\",
        r"\(",
        r"\(\?=",
        "[(?=a)]",
        r"[]\1(?>]",
        r"[^]\]\1]",
        r"(?#\1 (?!a)",
        r"\012",
        r"\\\123",
        "(?:b)",
    ),
    *(
        "b+",
        r"\++",
        "c{2}",
        "c{2,}?",
        "{a}+",
        "{}+",
        "(?i-s:d)",
        "(?-i:e)",
        "(a|b)*?",
        r"\x31",
        "=",
        "?:".replace("?", r"\?"),
    ),
)


@given(
    before=st.lists(st.sampled_from(HARMLESS)),
    wrong=st.sampled_from([*UNSUPPORTED]),
    after=st.lists(st.sampled_from(HARMLESS)),
)
def test_the_place_of_what_is_not_supported(before: list[str], wrong: str, after: list[str]) -> None:
    start = "(?P<x>a)" + "".join(before)
    with pytest.raises(UnsupportedPatternError) as refused:
        parsed(start + wrong + "".join(after) + wrong)
    assert (refused.value.feature, refused.value.position) == (UNSUPPORTED[wrong], len(start))


@given(before=st.lists(st.sampled_from(HARMLESS)), quantifier=st.sampled_from(POSSESSIVE))
def test_the_place_of_a_possessive_quantifier(before: list[str], quantifier: str) -> None:
    start = "".join(before) + "z"
    with pytest.raises(UnsupportedPatternError) as refused:
        parsed(start + quantifier)
    assert (refused.value.feature, refused.value.position) == (places.POSSESSIVE, len(start))


@given(st.lists(st.sampled_from(HARMLESS)))
def test_what_is_supported_has_no_such_place(parts: list[str]) -> None:
    parsed("".join(parts))


def test_a_place_in_words() -> None:
    assert told(None, "a") == ""
    assert told(0, "a\nb") == "at position 0 (line 1, column 1)"
    assert told(2, "a\nb") == "at position 2 (line 2, column 1)"
