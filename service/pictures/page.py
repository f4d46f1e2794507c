"""The content and layout of a picture of coloured text, in pixels; SVG and PNG are drawn from the same page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from service.pictures.layout import COLUMNS, Glyph, Line
from service.pictures.scales import Colour, Scale

MAX_LINES: Final = 400
"""The maximum number of lines; a text of line ends alone would make a huge picture."""

COLUMN, ROW, FONT_SIZE, SMALL = 12, 29, 20, 9
"""Sizes of the grid and of its text; `SMALL` is for code points."""
MARGIN: Final = 24
WIDTH: Final = 2 * MARGIN + COLUMN * (COLUMNS + 1)
BASELINE: Final = 21
TITLE_Y, LEGEND_Y, HEAD = 38, 58, 104
BAR_WIDTH, BAR_HEIGHT = 240, 14

INK: Final = (17, 24, 39)
PALE: Final = (140, 146, 156)
GREY: Final = (85, 91, 102)


@dataclass(frozen=True, slots=True)
class Placed:
    """A glyph with its column."""

    column: int
    glyph: Glyph

    @property
    def x(self) -> int:
        return MARGIN + COLUMN * self.column


@dataclass(frozen=True, slots=True)
class Page:
    """A title, a legend of the scale, and the lines of a text whose tokens have values."""

    title: str
    tokens: Sequence[str]
    values: Sequence[float | None]
    scale: Scale
    lines: Sequence[Line]
    left_out: int

    @property
    def height(self) -> int:
        return HEAD + ROW * (len(self.lines) + (self.left_out > 0)) + MARGIN

    @property
    def note(self) -> str:
        """The note below the text; empty if nothing is left out."""
        return f"{self.left_out} more lines are not drawn" if self.left_out else ""

    def rows(self) -> Iterator[tuple[int, list[Placed]]]:
        """Each line's upper edge and its glyphs."""
        for number, line in enumerate(self.lines):
            column, placed = 0, []
            for glyph in line:
                placed.append(Placed(column, glyph))
                column += glyph.width
            yield HEAD + ROW * number, placed

    def colour(self, token: int) -> Colour | None:
        """The background of a token."""
        return self.scale.colour(self.values[token])


def runs(placed: Sequence[Placed]) -> Iterator[tuple[int, int, int]]:
    """The tokens of a line: token, left edge, width."""
    for token, group in groupby(placed, key=lambda each: each.glyph.token):
        found = list(group)
        yield token, found[0].x, COLUMN * sum(each.glyph.width for each in found)
