"""Server-sent events: values as they come, kept alive, ended by `[DONE]`, an error in mid-stream among them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Generic, TypeVar

from service.api.http.exceptions import to_api_error
from service.api.http.responses import EventStream

KEEP_ALIVE_SECONDS: Final = 10.0
LONGEST: Final = 60_000
"""Characters, all ASCII, of an event: clients read lines of less than 64 KiB."""
MOST_AT_ONCE: Final = 4096
"""Characters of a text of which even the longest escapes make less than that."""
DONE: Final = "[DONE]"
"""The data of the last event, which is no JSON."""
HEADERS: Final = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
"""A proxy that buffered the stream would hold back what the client waits for."""

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True)
class Event(Generic[T_co]):
    """One event: JSON `data`, with a `kind` and an `id` where listeners tell them apart and come back to them."""

    data: T_co
    kind: str = ""
    id: str = ""

    @cached_property
    def text(self) -> str:
        """The event as it is sent."""
        lines = [("id", self.id), ("event", self.kind), ("data", json.dumps(self.data))]
        return "".join(f"{name}: {value}\n" for name, value in lines if value) + "\n"


def fitting(count: int, event_of: Callable[[int, int], Event[T_co]]) -> Iterator[Event[T_co]]:
    """Events that tell `count` things in order, each as many of them as its line can hold: `event_of(start, stop)`."""
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
    """A reply that sends each event as it comes; None sends a comment when nothing has been sent for a while."""
    return EventStream(_lines(events, clock), headers={**HEADERS, **(headers or {})})


def _lines(events: Iterator[Event[Any] | None], clock: Callable[[], float]) -> Iterator[str]:
    sent = clock()
    try:
        for event in events:
            if event is None and clock() - sent < KEEP_ALIVE_SECONDS:
                continue
            yield event.text if event is not None else ": keep-alive\n\n"
            sent = clock()
    except Exception as error:
        # The status is long sent: what is left to say goes where the client is listening.
        yield Event(to_api_error(error).body()).text
    yield f"data: {DONE}\n\n"
