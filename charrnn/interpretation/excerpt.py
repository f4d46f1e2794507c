"""Which parts of a text are looked at when it is longer than need be: stretches spread over all of it, since one end of
a text may have no comment, or nothing but one; knows no files."""

from __future__ import annotations

from typing import Final

STRETCHES: Final = 8


def spans(total: int, most: int) -> list[tuple[int, int]]:
    """Where the stretches begin and end: as long as one another, together `most` of `total` at most, the first from
    the beginning, the last up to the end."""
    if total <= most:
        return [(0, total)]
    length = most // STRETCHES
    return [(start, start + length) for start in ((total - length) * i // (STRETCHES - 1) for i in range(STRETCHES))]


def joined(pieces: list[str]) -> str:
    """The stretches as one text, each from its first whole line on, if it has one."""
    return "".join([pieces[0], *(piece[piece.find("\n") + 1 :] for piece in pieces[1:])])


def excerpt(text: str, most: int) -> str:
    """At most `most` characters of a text."""
    return joined([text[start:stop] for start, stop in spans(len(text), most)])
