"""The events of a streamed text, for any format of chunks: each piece as it arrives, in as many events as needed, with
ids after which the same request can go on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, TypeVar

from flask import request

from charrnn.vocabulary import Ids
from service.api.http.errors import ApiError
from service.api.http.exceptions import to_stream_error
from service.api.http.sse import Event, fitting
from service.api.schemas.replies.cut_off import CutOff, TokenOf, cut_off
from service.generation.continuations.continuation import CutOffError
from service.generation.pieces import Piece, Stream
from service.generation.progress import ChoiceProgress, StreamProgress

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class ChoiceChunks(Protocol[T_co]):
    """Creates the chunks of one choice of a stream."""

    def of_pattern(self, skipped: Sequence[str]) -> T_co:
        """A chunk with the characters of the pattern that were left out, which comes first."""

    def of_prompt(self, ids: Ids) -> T_co:
        """A chunk with ids of the prompt, which precede the choice if ids are requested."""

    def of_piece(self, piece: Piece, start: int, /) -> T_co:
        """A chunk from a piece whose text begins at the character `start` of the choice's text."""


def last_event_id(*, stream: bool) -> str | None:
    """The id of the event after which the requested `stream` is to go on, if it says one; an empty one is none, as for
    an EventSource. Raises ApiError 422 for a
    request that is none for a stream."""
    given = request.headers.get("Last-Event-ID") or None
    if given is not None and not stream:
        message = "Last-Event-ID is only for streams, which go on after that event: stream must be true with it"
        raise ApiError(422, "invalid_value", message, "Last-Event-ID")
    return given


def text_events(stream: Stream, choices: Sequence[ChoiceChunks[T]]) -> Iterator[Event[T] | None]:
    """The events of all choices, counted through all requests, in the order of their pieces; None if nothing new has
    arrived for a while. The stream's progress is kept up."""
    progress = stream.progress
    if (skipped := stream.heads[0].pattern_skipped) and not stream.resumed:
        yield Event(choices[0].of_pattern(skipped), id=progress.id_with(0, progress[0]))
    prompts = [head.prompt for head in stream.heads for _ in head.seeds]
    for news in stream.pieces:
        if news is None:
            yield None
            continue
        index, piece = news
        if piece.ids is not None and not progress[index].has_begun:
            yield from _prompt_events(prompts[index], choices[index], progress, index)
        yield from _piece_events(piece, choices[index], progress, index)


def cut_off_event(stream: Stream, error: CutOffError, token_of: TokenOf) -> Event[CutOff]:
    """The last event of a stream that is cut off after what it has passed on."""
    last_id = stream.progress.id_with(0, stream.progress[0])
    return Event(cut_off(to_stream_error(error).body(), error.continuations, token_of), id=last_id)


def _prompt_events(prompt: Ids, chunks: ChoiceChunks[T], progress: StreamProgress, index: int) -> Iterator[Event[T]]:
    """At least one event, unless the whole prompt was passed on before."""
    passed = progress[index].prompt_ids
    if passed == prompt.size:
        return
    before = passed or 0

    def after(stop: int) -> ChoiceProgress:
        return ChoiceProgress(prompt_ids=min(before + stop, prompt.size))

    def event(start: int, stop: int) -> Event[T]:
        ids = prompt[before + start : before + stop]
        return Event(chunks.of_prompt(ids), id=progress.id_with(index, after(stop)))

    yield from fitting(max(1, prompt.size - before), event)
    progress[index] = after(prompt.size)


def _piece_events(piece: Piece, chunks: ChoiceChunks[T], progress: StreamProgress, index: int) -> Iterator[Event[T]]:
    parts, before = piece.parts(), progress[index].characters

    def after(part: Piece, start: int) -> ChoiceProgress:
        return ChoiceProgress(start + len(part.text), part.tokens.stop, ended=part.finish_reason is not None)

    def event(start: int, stop: int) -> Event[T]:
        part, begins = parts.between(start, stop), before + parts.ends[start]
        return Event(chunks.of_piece(part, begins), id=progress.id_with(index, after(part, begins)))

    yield from fitting(len(parts), event)
    progress[index] = after(piece, before)
