"""What is to hold of a string holds of all its graph takes, and characters are written as JSON writes them."""

from __future__ import annotations

import json
import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.patterns.errors import InvalidPatternError, PatternTooLargeError, UnsupportedPatternError
from charrnn.patterns.flattening import flat
from charrnn.patterns.graphs import takes
from charrnn.patterns.json_schema.formats import FORMATS
from charrnn.patterns.json_schema.strings import Text, with_match

WRITTEN = flat(Text(most=6).node())
SOME = flat(Text(1, 4, searched=('[a"\\n]$', "^[^b]")).node())


@given(st.text(alphabet='ab"\\\n\té\u2028😀', max_size=8))
def test_strings_are_written_as_json_writes_them(text: str) -> None:
    written = json.dumps(text, ensure_ascii=False)
    assert takes(WRITTEN, written) == (len(text) <= 6)
    fits = 1 <= len(text) <= 4 and re.search('[a"\n]\\Z', text) is not None and not text.startswith("b")
    assert takes(SOME, written) == fits
    assert not takes(WRITTEN, written[:-1]) and not takes(WRITTEN, text + "x")


def test_a_control_character_is_only_written_where_a_pattern_names_it() -> None:
    assert not takes(WRITTEN, r'"\u0001"')
    assert takes(flat(Text(searched=(r"^\x01$",)).node()), r'"\u0001"')


@pytest.mark.parametrize("day", ["2024-02-29", "2023-02-29", "1900-02-29", "2000-02-29", "0001-01-01", "2024-04-31"])
def test_dates_are_those_of_the_calendar(day: str) -> None:
    try:
        date.fromisoformat(day)
        exists = True
    except ValueError:
        exists = False
    assert takes(Text(formats=("date",)).graph(), day) == exists == bool(re.fullmatch(FORMATS["date"], day))


def test_what_is_wrong_is_reported() -> None:
    with pytest.raises(InvalidPatternError):
        with_match("(a")
    with pytest.raises(UnsupportedPatternError, match="look-ahead"):
        with_match("(?=a)")
    with pytest.raises(PatternTooLargeError, match="20,000"):
        Text(20_001).node()
