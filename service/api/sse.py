"""Server-sent events: values as they come, kept alive, ended by `[DONE]`, an error in mid-stream among them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask import Response

from service.api.errors import to_api_error

KEEP_ALIVE_SECONDS: Final = 10.0
HEADERS: Final = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
"""A proxy that buffered the stream would hold back what the client waits for."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event: JSON `data`, with a `kind` and an `id` where listeners tell them apart and come back to them."""

    data: Any
    kind: str = ""
    id: str = ""

    def __str__(self) -> str:
        lines = [("id", self.id), ("event", self.kind), ("data", json.dumps(self.data))]
        return "".join(f"{name}: {value}\n" for name, value in lines if value) + "\n"


def event_stream(
    events: Iterator[Event | None],
    headers: Mapping[str, str] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Response:
    """A reply that sends each event as it comes; None sends a comment when nothing has been sent for a while."""
    return Response(_lines(events, clock), mimetype="text/event-stream", headers={**HEADERS, **(headers or {})})


def _lines(events: Iterator[Event | None], clock: Callable[[], float]) -> Iterator[str]:
    sent = clock()
    try:
        for event in events:
            if event is None and clock() - sent < KEEP_ALIVE_SECONDS:
                continue
            yield str(event) if event is not None else ": keep-alive\n\n"
            sent = clock()
    except Exception as error:
        # The status is long sent: what is left to say goes where the client is listening.
        yield str(Event(to_api_error(error).body()))
    yield "data: [DONE]\n\n"
