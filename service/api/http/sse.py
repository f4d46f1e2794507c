"""Server-sent events: values as they arrive, keep-alive comments, errors within a stream, and the final `[DONE]`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Generic, TypeVar

from service.api.http.exceptions import to_stream_error
from service.api.http.responses import EventStream

KEEP_ALIVE_SECONDS: Final = 10.0
LONGEST: Final = 60_000
"""The maximum length of an event in characters, all ASCII: clients read lines of less than 64 KiB."""
MOST_AT_ONCE: Final = 4096
"""The maximum number of characters of a text in an event: even with the longest escapes they fit."""
DONE: Final = "[DONE]"
"""The data of the last event, which is not JSON."""
HEADERS: Final = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
"""A proxy must not buffer the stream."""

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True)
class Event(Generic[T_co]):
    """One event: JSON `data`, with a `kind` if there are several kinds, and an `id` if clients can reconnect."""

    data: T_co
    kind: str = ""
    id: str = ""

    @cached_property
    def text(self) -> str:
        """The event as it is sent."""
        lines = [("id", self.id), ("event", self.kind), ("data", json.dumps(self.data))]
        return "".join(f"{name}: {value}\n" for name, value in lines if value) + "\n"


def fitting(count: int, event_of: Callable[[int, int], Event[T_co]]) -> Iterator[Event[T_co]]:
    """Events for `count` items in order, each with as many items as fit in its line; `event_of(start, stop)` creates
    one."""
    start, at_once = 0, MOST_AT_ONCE
    while start < count:
        stop = min(count, start + at_once)
        event = event_of(start, stop)
        while len(event.text) > LONGEST and stop - start > 1:
            at_once = (stop - start + 1) // 2
            stop = start + at_once
            event = event_of(start, stop)
        yield event
        start = stop


def event_stream(
    events: Iterator[Event[T_co] | None],
    headers: Mapping[str, str] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> EventStream[T_co]:
    """A reply that sends each event as it arrives; None sends a comment if nothing has been sent for a while. An error
    has the id of the event before it, because what follows that has not been sent."""
    return EventStream(_lines(events, clock), headers={**HEADERS, **(headers or {})})


def _lines(events: Iterator[Event[Any] | None], clock: Callable[[], float]) -> Iterator[str]:
    sent, last_id = clock(), ""
    try:
        for event in events:
            if event is None and clock() - sent < KEEP_ALIVE_SECONDS:
                continue
            yield event.text if event is not None else ": keep-alive\n\n"
            sent, last_id = clock(), last_id if event is None else event.id
    except Exception as error:
        # The status was sent already, so the error is sent as an event.
        yield Event(to_stream_error(error).body(), id=last_id).text
    yield f"data: {DONE}\n\n"
