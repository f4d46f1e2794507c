"""Streams that go on where earlier ones were cut off: which event that was, and what of the pieces is new."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

from service.generation.admission import Admitted
from service.generation.cache import cache_key, reply_key
from service.generation.continuations.continuation import CutOffError
from service.generation.errors import EventIdError
from service.generation.pieces import Piece
from service.generation.progress import ChoiceProgress, StreamProgress


def resumed_progress(event_id: str, admitted: Sequence[Admitted]) -> StreamProgress:
    """The progress of the stream of these requests after the event. Raises EventIdError."""
    seeds = [each.request.seed for each in admitted]
    if None in seeds:
        raise EventIdError("needs the seed of the stream's first event, in the field seed")
    return StreamProgress.read(event_id, _digest(admitted, seeds), sum(each.request.n for each in admitted))


def new_progress(admitted: Sequence[Admitted], seeds: Sequence[int]) -> StreamProgress:
    """That of a new stream of these requests; `seeds` has that of each one's first choice."""
    return StreamProgress(_digest(admitted, seeds), [ChoiceProgress()] * sum(each.request.n for each in admitted))


def _digest(admitted: Sequence[Admitted], seeds: Sequence[int | None]) -> bytes:
    """Of all that the stream's texts depend on, however their seeds came about."""
    named = hashlib.sha256()
    for each, seed in zip(admitted, seeds, strict=True):
        # A key is made of the whole prompt, which may be long; with a seed it is known.
        key = each.key if each.request.seed == seed else _key_with(each, seed)
        named.update(f"{reply_key(key, each.request)} ".encode())
    return named.digest()


def _key_with(admitted: Admitted, seed: int | None) -> str:
    return cache_key(admitted.model, admitted.prompt, replace(admitted.request, seed=seed))


def pieces_after(
    progress: StreamProgress, pieces: Iterator[tuple[int, Piece] | None]
) -> Iterator[tuple[int, Piece] | None]:
    """The pieces without what has been passed on of each choice; None where nothing is new yet. A CutOffError tells
    only of choices that have come to something new."""
    rests: dict[int, _Rest] = {}
    try:
        for news in pieces:
            if news is None:
                yield None
                continue
            index, piece = news
            rest = rests.setdefault(index, _Rest(progress[index]))
            new = rest.of(piece)
            yield None if new is None else (index, new)
    except CutOffError as error:
        found = enumerate(error.continuations)
        new_ends = tuple(each if index in rests and rests[index].is_new else None for index, each in found)
        raise CutOffError(str(error), new_ends) from error


class _Rest:
    """What has not been passed on of one choice, whose pieces come in order."""

    def __init__(self, passed: ChoiceProgress) -> None:
        self._passed = passed
        self._left = passed.characters
        """How many characters of what comes have been passed on."""
        self._waiting: Piece | None = None
        """Tokens that are new, of pieces whose text is not: they belong to the next piece."""
        self.is_new = False
        """Whether all that has been passed on has come again, and more."""

    def of(self, piece: Piece) -> Piece | None:
        """What is new of the next piece; None if that is neither text nor the end."""
        if self._passed.ended:
            return None
        dropped = min(self._left, len(piece.text))
        self._left -= dropped
        new = _with(self._waiting, piece.after(dropped, self._passed.tokens))
        nothing = not new.text and new.finish_reason is None
        self._waiting = new if nothing else None
        self.is_new = not nothing
        return None if nothing else new


def _with(waiting: Piece | None, piece: Piece) -> Piece:
    """The piece, with the tokens before it."""
    if waiting is None:
        return piece
    ids = None if piece.ids is None else (waiting.ids or ()) + piece.ids
    return replace(piece, tokens=range(waiting.tokens.start, piece.tokens.stop), ids=ids)
