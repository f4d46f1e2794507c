"""Texts that arrive in pieces."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import strategies as st

CUTS = st.lists(st.integers(0, 200), max_size=6)


def in_pieces(text: str, cuts: list[int]) -> list[str]:
    """The text, cut at these positions."""
    places = sorted({0, len(text), *(min(cut, len(text)) for cut in cuts)})
    return [text[start:stop] for start, stop in pairwise(places)]
