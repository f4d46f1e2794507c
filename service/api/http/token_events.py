"""The first events of a choice that is streamed where ids are wanted, whatever an event looks like."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from charrnn.vocabulary import Ids
from service.api.http.sse import Event, fitting
from service.api.schemas.replies.common import NewText, prompt_ids

T = TypeVar("T")


def prompt_events(prompt: Ids, event_of: Callable[[NewText], Event[T]]) -> Iterator[Event[T]]:
    """The ids of the prompt, in as many events as they take, one at least."""
    yield from fitting(max(1, prompt.size), lambda start, stop: event_of(prompt_ids(prompt[start:stop])))
