"""Lines that stand in a text word for word."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from charrnn import copying
from charrnn.copying import LEAST, copied, lines_of

LINE = "a line that is long enough to be looked for, and more"


def test_whole_lines_of_enough_characters() -> None:
    assert lines_of(f"end of {LINE}\n{LINE}\nshort\n{LINE}!\n{LINE}") == [LINE, LINE + "!"]
    assert lines_of("\n" + LEAST * "x" + "\n" + (LEAST - 1) * "y" + "\n") == [LEAST * "x"]


def test_lines_that_stand_in_a_passage() -> None:
    lines = [LINE, LINE.replace("more", "less"), "ω" * LEAST]
    assert copied(lines, [f"before {LINE} behind", "ω" * (LEAST - 1)]).tolist() == [True, False, False]
    assert copied(lines, ["", "x" + "ω" * LEAST]).tolist() == [False, False, True]
    assert not copied([], [LINE]).size


def test_no_line_is_made_of_two_passages() -> None:
    assert not copied([LINE], [LINE[:20], LINE[20:]]).any()


def test_a_line_across_the_ends_of_stretches() -> None:
    text = "".join(map(chr, np.random.default_rng(0).integers(97, 100, copying.STRETCH + 100).tolist()))
    places = range(copying.STRETCH - 50, copying.STRETCH + 10, 7)
    assert copied([text[place : place + 45] for place in places], [text]).all()


@given(st.text("ab", min_size=LEAST, max_size=200), st.lists(st.text("ab", min_size=LEAST, max_size=60), max_size=5))
def test_it_finds_what_python_finds(text: str, lines: list[str]) -> None:
    lines = [*lines, text[:LEAST], text[-LEAST:]]
    assert copied(lines, [text]).tolist() == [line in text for line in lines]
