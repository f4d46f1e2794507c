"""The first events of a choice that is streamed where ids are wanted, whatever a chunk looks like."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from charrnn.vocabulary import Ids
from service.api.http.sse import Event, fitting
from service.api.schemas.replies.common import NewText, prompt_ids

T = TypeVar("T")


def prompt_events(prompt: Ids, chunk_of: Callable[[NewText], T]) -> Iterator[Event[T]]:
    """The ids of the prompt, in as many events as they take, one at least."""
    yield from fitting(max(1, prompt.size), lambda start, stop: Event(chunk_of(prompt_ids(prompt[start:stop]))))
