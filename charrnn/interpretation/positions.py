"""Labels a character's position in its line or word, indentation, the speaker of a play, and kinds of characters."""

from __future__ import annotations

import re
from typing import Final

import numpy as np

from charrnn.interpretation.labels import Depths, Mask, marked

TAB: Final = 8
"""Columns between two tab stops."""

_SPEAKER: Final = re.compile(
    r"(?:\A|\n\r?\n)(?P<name>[A-Z][\w.' -]{0,39}:(?=\r?\n)|[A-Z][A-Z.' -]{1,39}[.:](?=[ \r\n]))"
)


def line_position(text: str) -> Depths:
    """Characters since the line began; 0 at its end."""
    return _since(np.fromiter((c == "\n" for c in text), np.bool_, len(text)))


def word_position(text: str) -> Depths:
    """Letters, digits and underscores since the word began; 0 outside words."""
    return _since(np.fromiter((not (c.isalnum() or c == "_") for c in text), np.bool_, len(text)))


def indentation(text: str) -> Depths:
    """Columns of white space that the current line begins with; until its first other character, those of the line
    before."""
    depths = np.zeros(len(text), dtype=np.float32)
    depth, column, begun = 0, 0, False
    for i, c in enumerate(text):
        if c == "\n":
            column, begun = 0, False
        elif not begun and c in " \t":
            column += TAB - column % TAB if c == "\t" else 1
        elif not begun and c != "\r":
            depth, begun = column, True
        depths[i] = depth
    return depths


def upper_case(text: str) -> Mask:
    """A capital letter."""
    return np.fromiter((c.isupper() for c in text), np.bool_, len(text))


def digit(text: str) -> Mask:
    """A digit."""
    return np.fromiter((c.isdigit() for c in text), np.bool_, len(text))


def speaker(text: str) -> Mask:
    """The speaker's name in a play: after a blank line, up to a colon at the line's end, or in capitals up to a colon
    or full stop."""
    return marked(len(text), [(m.start("name"), m.end("name") - 1) for m in _SPEAKER.finditer(text)])


def _since(reset: Mask) -> Depths:
    """Characters since the last reset or, before the first one, since the start of the text."""
    index = np.arange(len(reset))
    return (index - np.maximum.accumulate(np.where(reset, index, -1))).astype(np.float32)
