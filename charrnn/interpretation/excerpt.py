"""An excerpt of a long text: passages spread over all of it, since one end of a text may have no comments, or nothing
else; each begins where something new does. Knows no files."""

from __future__ import annotations

import re
from typing import Final

PASSAGES: Final = 32

TRIM: Final = 1 / 4
"""At most this share of a passage is cut off at its beginning, and at its end."""

_BORDERS: Final = tuple(map(re.compile, (r"\n[ \t\r]*\n(?=[^\s})\]])", r"\n[ \t\r]*\n", r"\n")))
"""Where a passage may begin or end, the best first: a blank line before a line at the margin, where nothing is open
even in code; a blank line, where no quotation and no bracket is; the beginning of a line."""


def spans(total: int, most: int) -> list[tuple[int, int]]:
    """Starts and ends of the passages: of equal length, together at most `most` of `total`, the first at the beginning,
    the last at the end."""
    if total <= most:
        return [(0, total)]
    length = most // PASSAGES
    return [(start, start + length) for start in ((total - length) * i // (PASSAGES - 1) for i in range(PASSAGES))]


def trimmed(piece: str, *, begins: bool = False, ends: bool = False) -> str:
    """A piece of a text without what belongs to something that began before it, or ends behind it, as far as a border
    is near; unless the text itself `begins` or `ends` there."""
    margin = int(len(piece) * TRIM)
    start = 0 if begins else _first_border(piece, margin)
    stop = len(piece) if ends else _last_border(piece, len(piece) - margin)
    return piece[start:stop]


def excerpt(text: str, most: int) -> list[str]:
    """Passages of at most `most` characters together; none if the text is empty."""
    found = [trimmed(text[a:b], begins=a == 0, ends=b == len(text)) for a, b in spans(len(text), most)]
    return [passage for passage in found if passage]


def _first_border(piece: str, stop: int) -> int:
    found = (border.search(piece, 0, stop) for border in _BORDERS)
    return next((m.end() for m in found if m), 0)


def _last_border(piece: str, start: int) -> int:
    """Behind the line's end at the last border."""
    for border in _BORDERS:
        if ends := [m.start() + 1 for m in border.finditer(piece, start)]:
            return ends[-1]
    return len(piece)
