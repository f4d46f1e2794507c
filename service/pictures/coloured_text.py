"""A text with a background colour for each token's value, as in the article "The Unreasonable Effectiveness of
Recurrent Neural Networks"; knows no models.

    picture = coloured_text("plays@3, layer 1, unit 17, cell", tokens, values, signed("cell state", values))
    picture.svg(), picture.png()
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

from service.pictures import raster, vector
from service.pictures.layout import lines
from service.pictures.page import MAX_LINES, Page
from service.pictures.scales import Scale


@dataclass(frozen=True, slots=True)
class ColouredText:
    """A picture, available as SVG and as PNG."""

    page: Page

    def svg(self) -> str:
        """The picture as an SVG document that shows each token's value on hover."""
        return vector.draw(self.page)

    def png(self) -> bytes:
        """The picture as a PNG file. A character that DejaVu Sans Mono lacks is shown as its code point."""
        return raster.draw(self.page)


def coloured_text(title: str, tokens: Sequence[str], values: Sequence[float | None], scale: Scale) -> ColouredText:
    """The picture of n tokens with their values; None is for a token without one.

    Lines after the first MAX_LINES are counted, not drawn. Raises ValueError when the numbers of tokens and values
    differ.
    """
    if len(tokens) != len(values):
        raise ValueError(f"there must be a value for each of the {len(tokens)} tokens, not {len(values)}")
    rest = lines(tokens)
    drawn = list(islice(rest, MAX_LINES))
    scale = replace(scale, label=_printable(scale.label))
    return ColouredText(Page(_printable(title), tokens, values, scale, drawn, left_out=sum(1 for _ in rest)))


def _printable(text: str) -> str:
    """The text without line breaks and without characters that XML does not allow."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
