"""JSON of large replies, generated while it is sent: only a piece of it is in memory at a time, and other threads run
between two pieces."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeVar

import orjson

from service.api.http.responses import JsonResponse
from service.api.schemas.rows import Rows

AT_ONCE: Final = 64
"""How many rows are generated and written at a time."""
PIECE_BYTES: Final = 1 << 16
PAUSE_SECONDS: Final = 0.0005
"""The pause after each piece. A thread that sleeps releases Python's lock; one that only yields has it again before
another thread wakes up."""


T = TypeVar("T", bound=Mapping[str, Any])


def json_response(reply: T, headers: Mapping[str, str] | None = None) -> JsonResponse[T]:
    """The reply, which may contain Rows: whole if it is small, otherwise in pieces, without a Content-Length."""
    try:
        content: bytes | Iterator[bytes] = orjson.dumps(reply)
    except TypeError:  # Rows, or a lone surrogate
        content = _small_or_pieces(_gathered(_written(reply)))
    return JsonResponse(content, mimetype="application/json", headers=headers)  # given here, it is not looked up


def _small_or_pieces(pieces: Iterator[bytes]) -> bytes | Iterator[bytes]:
    first = next(pieces)
    second = next(pieces, None)
    return first if second is None else itertools.chain([first, second], pieces)


def _gathered(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Joins small pieces to larger ones."""
    waiting, size = [], 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= PIECE_BYTES:
            yield b"".join(waiting)
            waiting, size = [], 0
            time.sleep(PAUSE_SECONDS)
    yield b"".join(waiting)


def _written(value: Any) -> Iterator[bytes]:
    if isinstance(value, Rows):
        starts = range(0, value.count, AT_ONCE)
        parts = (_dumps(value.part(start, min(start + AT_ONCE, value.count)))[1:-1] for start in starts)
        yield from _between(b"[", ([part] for part in parts), b"]")
    elif isinstance(value, Mapping):
        items = (itertools.chain([_dumps(name) + b":"], _written(item)) for name, item in value.items())
        yield from _between(b"{", items, b"}")
    elif isinstance(value, list):
        yield from _between(b"[", map(_written, value), b"]")
    else:
        yield _dumps(value)


def _between(opening: bytes, items: Iterator[Any], closing: bytes) -> Iterator[bytes]:
    yield opening
    for at, item in enumerate(items):
        if at:
            yield b","
        yield from item
    yield closing


def _dumps(value: Any) -> bytes:
    try:
        return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)
    except TypeError:  # a lone surrogate, which a vocabulary may have and only the slower one writes
        return json.dumps(value, default=lambda array: array.tolist()).encode()
