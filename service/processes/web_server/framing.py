"""How much of a request has arrived, judged by its first bytes, so that a thread begins when it need not wait; what the
request says is the parser's business."""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import Final

MAX_HEAD: Final = 1 << 16
"""The maximum size of a request's head in bytes; gunicorn bounds the number and size of headers."""

SMALL_BODY: Final = 1 << 22
"""A body of up to this many bytes is received before a thread begins with the request."""

_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,18})[ \t]*\r\n", re.IGNORECASE)
_WITHOUT_LENGTH: Final = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
_EXPECTED: Final = re.compile(rb"\r\nexpect:", re.IGNORECASE)


class Arrived(Enum):
    """What has arrived of the next request."""

    NOTHING = auto()
    HEAD = auto()
    """The beginning of a head."""
    BODY = auto()
    """A head, and a part of a small body."""
    UPLOAD = auto()
    """A head; what follows is long, of unknown length, or sent only when it is asked for."""
    WHOLE = auto()
    """All of it, or enough to see that it is invalid."""


def is_whole_head(data: bytes) -> bool:
    """Whether these first bytes of a request are enough to parse its head, or to see that it is invalid."""
    if b"\r\n\r\n" in data:
        return True
    data = data.removeprefix(b"\r\n")  # one empty line may precede it
    if data in (b"", b"\r"):
        return False
    begins = 0x21 <= data[0] <= 0x7E
    return not begins or len(data) > MAX_HEAD or data.count(b"\n") != data.count(b"\r\n")


def whole_size(data: bytes) -> int | None:
    """How many bytes the request has whose whole head is the beginning of these; None for one that a thread must read
    while it arrives."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return 0
    head, begin = data[: end + 2], end + 4
    if _WITHOUT_LENGTH.search(head):
        return _end_of_chunks(data, begin)
    length = int(found[1]) if (found := _LENGTH.search(head)) else 0
    whole = begin + length
    waits = length > SMALL_BODY or (length and _EXPECTED.search(head))
    return None if waits and len(data) < whole else whole


def _end_of_chunks(data: bytes, at: int) -> int | None:
    """Where the last chunk ends, without trailers; None if it is not there yet."""
    while (line := data.find(b"\r\n", at)) >= 0:
        size = data[at:line].partition(b";")[0].strip()
        if not size or size.strip(b"0123456789abcdefABCDEF"):
            return at  # invalid
        count = int(size, 16)
        at = line + 2 + count
        if data[at : at + 2] != b"\r\n":
            return at if count and len(data) >= at + 2 else None  # invalid, not there yet, or a trailer
        at += 2
        if not count:
            return at
    return None
