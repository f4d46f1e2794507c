"""The events of a streamed text, for any format of chunks: each piece as it arrives, in as many events as needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

from charrnn.vocabulary import Ids
from service.api.http.sse import Event, fitting
from service.generation.pieces import Piece, Stream

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class ChoiceChunks(Protocol[T_co]):
    """Creates the chunks of one choice of a stream."""

    def of_prompt(self, ids: Ids) -> T_co:
        """A chunk with ids of the prompt, which precede the choice if ids are requested."""

    def of_piece(self, piece: Piece, /) -> Callable[[Piece, int], T_co]:
        """A function that creates a chunk from a part of the piece and the number of its tokens before the part; called
        once for each piece, in order."""


def text_events(stream: Stream, choices: Sequence[ChoiceChunks[T]]) -> Iterator[Event[T] | None]:
    """The events of all choices, counted through all requests, in the order of their pieces; None if nothing new has
    arrived for a while."""
    begun = set[int]()
    prompts = [head.prompt for head in stream.heads for _ in head.seeds]
    for news in stream.pieces:
        if news is None:
            yield None
            continue
        index, piece = news
        if piece.ids is not None and index not in begun:
            yield from _prompt_events(prompts[index], choices[index])
        begun.add(index)
        yield from _piece_events(piece, choices[index])


def _prompt_events(prompt: Ids, chunks: ChoiceChunks[T]) -> Iterator[Event[T]]:
    """At least one event."""
    yield from fitting(max(1, prompt.size), lambda start, stop: Event(chunks.of_prompt(prompt[start:stop])))


def _piece_events(piece: Piece, chunks: ChoiceChunks[T]) -> Iterator[Event[T]]:
    parts, chunk_of = piece.parts(), chunks.of_piece(piece)
    yield from fitting(len(parts), lambda start, stop: Event(chunk_of(parts.between(start, stop), start)))
