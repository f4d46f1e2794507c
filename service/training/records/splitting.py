"""Cuts a text that arrives in pieces at a separator, holding no more than one part of bounded length."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

CUT: Final = "\0"
"""Stands for what was dropped of a part that is too long; no stored text and no separator has it."""

Located = tuple[int, str]
"""The line where something begins, from 1, and its text."""


def split(pieces: Iterable[str], separator: str, longest: int) -> Iterator[Located]:
    """The parts between the separators, each with the line where it begins; how the text is divided in pieces makes no
    difference. Of a part longer than `longest`, the first `longest` + 1 characters are what can be relied on."""
    line, held, dropped = 1, "", 0
    breaks = separator.count("\n")
    for piece in pieces:
        *whole, held = (held + piece).split(separator)
        for part in whole:
            yield line, part
            line += part.count("\n") + breaks + dropped
            dropped = 0
        if len(held) > 2 * longest + len(separator):
            held, lines = _shortened(held, longest + 1, len(separator))
            dropped += lines
    yield line, held


def lines(pieces: Iterable[str], longest: int) -> Iterator[Located]:
    """The lines, without their ends: LF, or CR LF where line ends were kept."""
    for line, text in split(pieces, "\n", longest):
        yield line, text[:-1] if text.endswith("\r") else text


def paragraphs(pieces: Iterable[str], longest: int) -> Iterator[Located]:
    """The lines between blank lines (empty, or white space alone), joined by LF."""
    begin, held, length = 1, list[str](), 0
    for line, text in lines(pieces, longest):
        if not text or text.isspace():
            if held:
                yield begin, "\n".join(held)
            held, length = [], 0
        elif length <= longest + 1:
            begin = begin if held else line
            held.append(text)
            length += len(text) + 1
    if held:
        yield begin, "\n".join(held)


def _shortened(part: str, kept: int, tail: int) -> tuple[str, int]:
    """A part without its middle, and how many line ends that had."""
    end = len(part) - tail
    return part[:kept] + CUT + part[end:], part.count("\n", kept, end)
