"""Lays out tokens as lines of glyphs on a grid, with every character visible; knows no colours and no pixels."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

Kind = Literal["plain", "mark", "code"]
"""The character itself; a sign for white space; a code point for a character without a glyph."""

COLUMNS: Final = 80
TAB: Final = 4
LONGEST_CARRY: Final = 24
"""In columns: a longer word is broken at the end of the line."""

MARKS: Final = {" ": "\N{MIDDLE DOT}", "\t": "\N{RIGHTWARDS ARROW TO BAR}"}
NEWLINE: Final = "\N{DOWNWARDS ARROW WITH CORNER LEFTWARDS}"


@dataclass(frozen=True, slots=True)
class Glyph:
    """What is drawn for one character: `width` in columns, `token` the index of its token."""

    text: str
    width: int
    token: int
    kind: Kind = "plain"

    @property
    def ends_line(self) -> bool:
        return self.kind == "mark" and self.text == NEWLINE


Line = Sequence[Glyph]


def lines(tokens: Iterable[str], columns: int = COLUMNS) -> Iterator[Line]:
    """The tokens' glyphs in lines of up to that many columns, broken at line ends and between words.

    The sign for a line's end may exceed the width by one column.
    """
    line: list[Glyph] = []
    width = 0
    for glyph in _glyphs(tokens):
        if width + glyph.width > columns and not glyph.ends_line:
            full, line = _broken(line, min(LONGEST_CARRY, columns - TAB))
            width = sum(each.width for each in line)
            yield full
        line.append(glyph)
        width += glyph.width
        if glyph.ends_line:
            yield line
            line, width = [], 0
    if line:
        yield line


def code(character: str) -> str:
    """The character's code point, as U+ has it."""
    return f"{ord(character):04X}"


def _glyphs(tokens: Iterable[str]) -> Iterator[Glyph]:
    for index, token in enumerate(tokens):
        for character in token:
            text, width, kind = _shape(character)
            yield Glyph(text, width, index, kind)


@lru_cache(maxsize=4096)
def _shape(character: str) -> tuple[str, int, Kind]:
    if character == "\n":
        return NEWLINE, 1, "mark"
    if character in MARKS:
        return MARKS[character], TAB if character == "\t" else 1, "mark"
    category = unicodedata.category(character)
    if category[0] in "CZ":  # controls, surrogates, unassigned code points, and all spaces but the one above
        return code(character), 2 if len(code(character)) == 4 else 3, "code"
    if category in ("Mn", "Me"):
        return f"\N{DOTTED CIRCLE}{character}", 1, "plain"
    return character, 2 if unicodedata.east_asian_width(character) in "WF" else 1, "plain"


def _broken(line: list[Glyph], longest: int) -> tuple[list[Glyph], list[Glyph]]:
    """A full line, and what is moved to the next one: its last word, unless that is too long."""
    cut = next((i + 1 for i in reversed(range(len(line))) if line[i].kind == "mark"), 0)
    carried = sum(glyph.width for glyph in line[cut:])
    return (line[:cut], line[cut:]) if cut > 0 and carried <= longest else (line, [])
