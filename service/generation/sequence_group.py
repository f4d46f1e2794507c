"""The sequences of one request while they are generated: a ticket with the scheduler and a reader for each choice."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

import numpy as np

from charrnn.engine.base import Sequence
from charrnn.sampling import DRAWN_SEED_BITS, choice_seed
from charrnn.vocabulary import Ids
from service.generation.cancellation import CancelScope
from service.generation.reading import ChoiceReader, Piece, stop_watch
from service.generation.requests import Choice, GenerationRequest
from service.generation.resident import ResidentModel
from service.generation.scheduler import Ticket

PIECE_SECONDS: Final = 0.02
"""Pieces of a stream follow one another no sooner, so that under load a piece is more than a character."""


class Run:
    """The sequences of one request, with the scheduler: a ticket and a reader for each choice."""

    def __init__(self, model: ResidentModel, prompt: Ids, request: GenerationRequest, *, stream: bool = False) -> None:
        first = secrets.randbits(DRAWN_SEED_BITS) if request.seed is None else request.seed
        self.seeds = tuple(choice_seed(first, index) for index in range(request.n))
        self._wake = threading.Event()
        vocabulary = model.vocabulary
        self.tickets = [
            Ticket(_sequence(model, prompt, request, seed), self._wake, stop_watch(vocabulary, request), stream=stream)
            for seed in self.seeds
        ]
        self._readers = [ChoiceReader(vocabulary, prompt, request, seed) for seed in self.seeds]

    def wait(self, scope: CancelScope) -> None:
        """Until all are done. Raises what `scope` raises, having given the places up."""
        try:
            while not self.is_done():
                self._wait_for_news(scope)
            scope.raise_if_cancelled()
        finally:
            self._cancel()

    def dropped(self, scope: CancelScope) -> Callable[[], None]:
        """What is to happen when the client hangs up: the places are given up, and whoever waits for them is told."""

        def drop() -> None:
            scope.cancel()
            self._cancel()

        return drop

    def is_done(self) -> bool:
        """Whether every sequence has come to its end."""
        return all(ticket.done for ticket in self.tickets)

    def choices(self) -> tuple[Choice, ...]:
        """The choices of a run that is done."""
        for ticket, reader in zip(self.tickets, self._readers, strict=True):
            while reader.finish_reason is None:
                outputs = ticket.take()
                assert outputs, "a sequence that is done has ended its choice"
                reader.read(outputs)
        return tuple(reader.choice() for reader in self._readers)

    def completion_tokens(self) -> int:
        """Tokens generated so far, those of stop texts included."""
        return sum(reader.tokens for reader in self._readers)

    def pieces(self, scope: CancelScope) -> Iterator[tuple[int, Piece] | None]:
        """What there is to give out, as it comes; leaving early gives the places up."""
        try:
            while any(reader.finish_reason is None for reader in self._readers):
                scope.raise_if_cancelled()
                if self._has_ended_unread() or self._wait_for_news(scope):
                    yield from self._news()
                    time.sleep(PIECE_SECONDS)
                else:
                    yield None
        finally:
            self._cancel()

    def _has_ended_unread(self) -> bool:
        """Whether a sequence is done whose end (a failure, after its last outputs) was not read: nothing more wakes."""
        ends = zip(self.tickets, self._readers, strict=True)
        return any(ticket.done and reader.finish_reason is None for ticket, reader in ends)

    def _news(self) -> Iterator[tuple[int, Piece]]:
        for index, (ticket, reader) in enumerate(zip(self.tickets, self._readers, strict=True)):
            if reader.finish_reason is None and (outputs := ticket.take()):
                piece = reader.read(outputs)
                if piece.text or piece.finish_reason:
                    yield index, piece

    def _wait_for_news(self, scope: CancelScope) -> bool:
        came = scope.wait(self._wake)
        if came:
            self._wake.clear()
        return came

    def _cancel(self) -> None:
        for ticket in self.tickets:
            ticket.cancel()


def _sequence(model: ResidentModel, prompt: Ids, request: GenerationRequest, seed: int) -> Sequence:
    """An empty prompt is taken to follow the vocabulary's start, which is not part of the text."""
    before = prompt if prompt.size else np.array([model.vocabulary.start_id], dtype=np.int32)
    score = request.echo and request.sampling.logprobs is not None and prompt.size > 0
    return Sequence(before, request.length, replace(request.sampling, seed=seed), score=score)
