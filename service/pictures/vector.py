"""Draws a page as SVG, with every character at a fixed position, whichever monospaced font is used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final
from xml.sax.saxutils import escape, quoteattr  # nosec B406 # they parse nothing

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
from service.pictures.scales import Colour

SHOWN: Final = 0.8
"""The display size relative to the page's pixels."""


def draw(page: Page) -> str:
    """The SVG document."""
    size = f'width="{WIDTH * SHOWN:g}" height="{page.height * SHOWN:g}" viewBox="0 0 {WIDTH} {page.height}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label={quoteattr(page.title)}>'
    parts = [head, f"<style>{_style()}</style>", '<rect width="100%" height="100%" fill="#fff"/>']
    parts += [f'<text class="title" x="{MARGIN}" y="{TITLE_Y}">{escape(page.title)}</text>', *_legend(page)]
    for y, placed in page.rows():
        parts += [*_backgrounds(page, y, placed), *_texts(y + BASELINE, placed)]
    if page.note:
        parts.append(f'<text class="note" x="{MARGIN}" y="{page.height - MARGIN}">{page.note}</text>')
    return "\n".join([*parts, "</svg>\n"])


def _style() -> str:
    family = "'DejaVu Sans Mono',ui-monospace,Menlo,Consolas,monospace"
    return (
        f"text{{font:{FONT_SIZE}px {family};fill:{_hex(INK)};white-space:pre;pointer-events:none;"
        "direction:ltr;unicode-bidi:bidi-override}.title{font-weight:700}"
        f".mark{{fill:{_hex(PALE)}}}.code{{font-size:{SMALL}px;fill:{_hex(GREY)}}}"
        f".note{{font-size:15px;fill:{_hex(GREY)}}}.middle{{text-anchor:middle}}"
    )


def _legend(page: Page) -> Iterator[str]:
    scale = page.scale
    stops = "".join(
        f'<stop offset="{number / (len(scale.stops) - 1):g}" stop-color="{_hex(colour)}"/>'
        for number, colour in enumerate(scale.stops)
    )
    yield f'<defs><linearGradient id="scale">{stops}</linearGradient></defs>'
    bar = f'x="{MARGIN}" y="{LEGEND_Y}" width="{BAR_WIDTH}" height="{BAR_HEIGHT}"'
    yield f'<rect {bar} fill="url(#scale)" stroke="{_hex(PALE)}"/>'
    for value, shown in scale.ticks():
        x = MARGIN + (value - scale.low) / (scale.high - scale.low) * BAR_WIDTH
        yield f'<text class="note middle" x="{x:g}" y="{LEGEND_Y + BAR_HEIGHT + 17}">{shown}</text>'
    x, y = MARGIN + BAR_WIDTH + 2 * COLUMN, LEGEND_Y + BAR_HEIGHT - 1
    yield f'<text class="note" x="{x}" y="{y}">{escape(scale.label)}</text>'


def _backgrounds(page: Page, y: int, placed: Sequence[Placed]) -> Iterator[str]:
    """A rectangle for each token, which shows its value on hover."""
    for token, x, width in runs(placed):
        value, colour = page.values[token], page.colour(token)
        if value is not None and colour is not None:
            title = escape(f"{page.tokens[token]!r}: {value:.4g}")
            rectangle = f'<rect x="{x}" y="{y}" width="{width}" height="{ROW}" fill="{_hex(colour)}">'
            yield f"{rectangle}<title>{title}</title></rect>"


def _texts(y: int, placed: Sequence[Placed]) -> Iterator[str]:
    """The glyphs, those of a kind in one element with a position for each. A glyph that a browser may count as more
    than one character has an element of its own."""
    for kind in ("plain", "mark"):
        simple = [each for each in placed if each.glyph.kind == kind and _is_simple(each)]
        if simple:
            positions = " ".join(str(each.x) for each in simple)
            text = escape("".join(each.glyph.text for each in simple))
            yield f'<text class="{kind}" x="{positions}" y="{y}">{text}</text>'
    for each in placed:
        if not _is_simple(each):
            middle = each.x + COLUMN * each.glyph.width / 2
            yield f'<text class="{each.glyph.kind} middle" x="{middle:g}" y="{y}">{escape(each.glyph.text)}</text>'


def _is_simple(placed: Placed) -> bool:
    return len(placed.glyph.text) == 1 and ord(placed.glyph.text) < 0x10000


def _hex(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
