"""An excerpt of a long text: passages spread over all of it, since one end of a text may have no comments, or nothing
else; knows no files."""

from __future__ import annotations

from typing import Final

PASSAGES: Final = 8


def spans(total: int, most: int) -> list[tuple[int, int]]:
    """Starts and ends of the passages: of equal length, together at most `most` of `total`, the first at the beginning,
    the last at the end."""
    if total <= most:
        return [(0, total)]
    length = most // PASSAGES
    return [(start, start + length) for start in ((total - length) * i // (PASSAGES - 1) for i in range(PASSAGES))]


def joined(pieces: list[str]) -> str:
    """The passages as one text, each but the first from its first complete line on."""
    return "".join([pieces[0], *(piece[piece.find("\n") + 1 :] for piece in pieces[1:])])


def excerpt(text: str, most: int) -> str:
    """At most `most` characters of a text."""
    return joined([text[start:stop] for start, stop in spans(len(text), most)])
