"""The events of a streamed text: its pieces as they come, each in as many events as it takes, whatever a chunk looks
like."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

from charrnn.vocabulary import Ids
from service.api.http.sse import Event, fitting
from service.generation.pieces import Piece, Stream

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class ChoiceChunks(Protocol[T_co]):
    """Makes the chunks of one choice of a stream."""

    def of_prompt(self, ids: Ids) -> T_co:
        """A chunk with ids of the prompt, which come before the choice where ids are wanted."""

    def of_piece(self, piece: Piece, /) -> Callable[[Piece, int], T_co]:
        """What makes a chunk of a part of the piece, and of how many of its tokens are before the part; asked for once
        a piece, in the pieces' order."""


def text_events(stream: Stream, choices: Sequence[ChoiceChunks[T]]) -> Iterator[Event[T] | None]:
    """The events of all choices, in the order of their pieces; None when nothing new has come for a while."""
    begun = set[int]()
    for news in stream.pieces:
        if news is None:
            yield None
            continue
        index, piece = news
        if piece.ids is not None and index not in begun:
            yield from _prompt_events(stream.prompt, choices[index])
        begun.add(index)
        yield from _piece_events(piece, choices[index])


def _prompt_events(prompt: Ids, chunks: ChoiceChunks[T]) -> Iterator[Event[T]]:
    """One at least."""
    yield from fitting(max(1, prompt.size), lambda start, stop: Event(chunks.of_prompt(prompt[start:stop])))


def _piece_events(piece: Piece, chunks: ChoiceChunks[T]) -> Iterator[Event[T]]:
    parts, chunk_of = piece.parts(), chunks.of_piece(piece)
    yield from fitting(len(parts), lambda start, stop: Event(chunk_of(parts.between(start, stop), start)))
