"""Passages of a text are spread over all of it, and begin and end where nothing is open."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.interpretation.excerpt import PASSAGES, excerpt, spans, trimmed


def test_what_is_short_is_looked_at_whole() -> None:
    assert spans(10, 10) == [(0, 10)]
    assert excerpt("abc", 5) == ["abc"]
    assert excerpt("", 5) == []


@given(st.integers(0, 10**9), st.integers(PASSAGES, 10**6))
def test_stretches_are_spread_over_all_of_a_text(total: int, most: int) -> None:
    found = spans(total, most)
    assert (found[0][0], found[-1][1]) == (0, total)
    assert sum(stop - start for start, stop in found) <= max(most, 0)
    assert all(start <= stop for start, stop in found)
    assert all(before[1] <= after[0] for before, after in pairwise(found))


@pytest.mark.parametrize(
    ("piece", "kept"),
    [
        ("out;\n\n\tin;\n}\n\nint a;" + "." * 60 + "\n\nint b;\n\n\tc", "int a;" + "." * 60 + "\n"),
        ('no."\n\n  "Yes,\n' + "." * 60 + '\n\n  "N', '  "Yes,\n' + "." * 60 + "\n"),
        ("ne\r\n\r\nline\n" + "." * 60 + "\r\n\r\nl", "line\n" + "." * 60 + "\r\n"),
        ("ne\nline\n" + "." * 60 + "\nline\nli", "line\n" + "." * 60 + "\nline\n"),
        ("." * 60 + "\n\n" + "." * 60, "." * 60 + "\n\n" + "." * 60),
    ],
    ids=["code", "paragraphs", "CRLF", "lines", "no border near"],
)
def test_a_passage_begins_and_ends_at_a_border(piece: str, kept: str) -> None:
    assert trimmed(piece) == kept
    assert trimmed(piece, begins=True, ends=True) == piece


@given(st.text(alphabet="ab \n}", max_size=80), st.booleans(), st.booleans())
def test_at_least_half_of_a_passage_is_kept(piece: str, begins: bool, ends: bool) -> None:
    kept = trimmed(piece, begins=begins, ends=ends)
    assert kept in piece
    assert len(kept) >= len(piece) / 2
    assert piece.startswith(kept) or not begins
    assert piece.endswith(kept) or not ends
