"""Draws a page as PNG, with a font included in the service, so that it looks the same everywhere."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from service.pictures.layout import code
from service.pictures.page import (
    BAR_HEIGHT,
    BAR_WIDTH,
    BASELINE,
    COLUMN,
    FONT_SIZE,
    GREY,
    INK,
    LEGEND_Y,
    MARGIN,
    PALE,
    ROW,
    SMALL,
    TITLE_Y,
    WIDTH,
    Page,
    Placed,
    runs,
)
from service.pictures.scales import WHITE, Colour

FONT: Final = Path(__file__).parent / "font" / "DejaVuSansMono.ttf"
NO_CHARACTER: Final = "\U0010ffff"
NOTE_SIZE: Final = 15


def draw(page: Page) -> bytes:
    """The PNG file."""
    image = Image.new("RGB", (WIDTH, page.height), WHITE)
    canvas = ImageDraw.Draw(image)
    _write(canvas, MARGIN, TITLE_Y, page.title)
    _legend(canvas, page)
    for y, placed in page.rows():
        for token, x, width in runs(placed):
            if (colour := page.colour(token)) is not None:
                canvas.rectangle((x, y, x + width - 1, y + ROW - 1), colour)
        _texts(canvas, y + BASELINE, placed)
    _write(canvas, MARGIN, page.height - MARGIN, page.note, size=NOTE_SIZE, colour=GREY)
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def _legend(canvas: ImageDraw.ImageDraw, page: Page) -> None:
    scale = page.scale
    span = scale.high - scale.low
    for x in range(BAR_WIDTH):
        left = MARGIN + x
        canvas.line((left, LEGEND_Y, left, LEGEND_Y + BAR_HEIGHT), scale.colour(scale.low + span * x / BAR_WIDTH))
    canvas.rectangle((MARGIN, LEGEND_Y, MARGIN + BAR_WIDTH, LEGEND_Y + BAR_HEIGHT), outline=PALE)
    for value, shown in scale.ticks():
        x = MARGIN + round((value - scale.low) / span * BAR_WIDTH)
        _write(canvas, x, LEGEND_Y + BAR_HEIGHT + 17, shown, size=NOTE_SIZE, colour=GREY, anchor="ms")
    _write(canvas, MARGIN + BAR_WIDTH + 2 * COLUMN, LEGEND_Y + BAR_HEIGHT - 1, scale.label, size=NOTE_SIZE, colour=GREY)


def _texts(canvas: ImageDraw.ImageDraw, y: int, placed: Sequence[Placed]) -> None:
    for each in placed:
        glyph = each.glyph
        if glyph.kind == "code" or not _has(glyph.text[-1]):
            width = COLUMN * glyph.width
            _code(canvas, each.x, y, width, glyph.text if glyph.kind == "code" else code(glyph.text[-1]))
        else:
            for character in glyph.text:  # a combining mark is drawn over its dotted circle
                _write(canvas, each.x, y, character, colour=PALE if glyph.kind == "mark" else INK)


def _code(canvas: ImageDraw.ImageDraw, x: int, y: int, width: int, digits: str) -> None:
    """Draw a code point, in two lines if it has only one column."""
    per_line = max(2, width // (COLUMN // 2))
    parts = [digits[i : i + per_line] for i in range(0, len(digits), per_line)]
    for number, part in enumerate(reversed(parts)):
        _write(canvas, x + width // 2, y - (SMALL - 1) * number, part, size=SMALL, colour=GREY, anchor="ms")


def _write(
    canvas: ImageDraw.ImageDraw,
    x: int,
    y: int,
    text: str,
    *,
    size: int = FONT_SIZE,
    colour: Colour = INK,
    anchor: str = "ls",
) -> None:
    canvas.text((x, y), text, colour, _font(size), anchor)


@lru_cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    # The basic layout: the other one needs a library that not every system has.
    return ImageFont.truetype(str(FONT), size, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=4096)
def _has(character: str) -> bool:
    """Whether the font has a glyph for the character."""
    return bytes(_font(FONT_SIZE).getmask(character)) != bytes(_font(FONT_SIZE).getmask(NO_CHARACTER))
