"""The sequences of one request, one for each choice, from their submission to their choices (vLLM's sequence group)."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

import numpy as np

from charrnn.engine.base import Sequence
from charrnn.sampling import DRAWN_SEED_BITS, choice_seed
from charrnn.vocabulary import Ids
from service.generation.admission import Admitted
from service.generation.cancellation import CancelScope
from service.generation.choice_builder import ChoiceBuilder
from service.generation.pieces import Piece
from service.generation.requests import Choice, GenerationRequest
from service.generation.resident import ResidentModel
from service.generation.scheduling.scheduled import ScheduledSequence
from service.generation.scheduling.scheduler import Scheduler

PIECE_SECONDS: Final = 0.02
"""The minimum time between two pieces of a stream, so that pieces are longer than a character even under load."""


class SequenceGroup:
    """Submits the sequences of a request when it is created, in the thread that then calls `wait` or iterates over
    `pieces`.

    Raises what `Scheduler.submit` raises.
    """

    def __init__(self, scheduler: Scheduler, admitted: Admitted, *, stream: bool) -> None:
        request, model = admitted.request, admitted.model
        first = secrets.randbits(DRAWN_SEED_BITS) if request.seed is None else request.seed
        self.seeds = tuple(choice_seed(first, index) for index in range(request.n))
        self._scheduler = scheduler
        self._wake = threading.Event()
        self._builders = [ChoiceBuilder(model.vocabulary, admitted.prompt, request, seed) for seed in self.seeds]
        self._scheduled = [
            ScheduledSequence(_sequence(model, admitted.prompt, request, seed), builder.add, self._wake, stream=stream)
            for seed, builder in zip(self.seeds, self._builders, strict=True)
        ]
        scheduler.submit(model.engine, self._scheduled, helps=not stream)

    def wait(self, scope: CancelScope) -> tuple[Choice, ...]:
        """The choices, once all are complete. Raises what the scope and the engine raise."""
        try:
            self._scheduler.help(self._is_done)
            if not self._is_done():
                self._wait_for_news(scope)
            if not self._is_done():  # usually this is fast enough that watching the connection is not worth its cost
                with self._cancelled_with(scope):
                    while not self._is_done():
                        self._wait_for_news(scope)
                    scope.raise_if_cancelled()
        finally:
            self._cancel()
        return self.choices()

    def pieces(self, scope: CancelScope) -> Iterator[tuple[int, Piece] | None]:
        """(index of the choice, piece) as they arrive, and None whenever nothing has arrived for POLL_SECONDS. Raises
        what the scope and the engine raise."""
        with self._cancelled_with(scope):
            while any(builder.finish_reason is None for builder in self._builders):
                scope.raise_if_cancelled()
                if self._has_unread_end() or self._wait_for_news(scope):
                    yield from self._news()
                    time.sleep(PIECE_SECONDS)
                else:
                    yield None

    def choices(self) -> tuple[Choice, ...]:
        """The choices, after all sequences have ended. Raises the engine's error, if any."""
        for scheduled, builder in zip(self._scheduled, self._builders, strict=True):
            if builder.finish_reason is None:
                builder.take()
                _raise_failure(scheduled.error, builder)
        return tuple(builder.choice() for builder in self._builders)

    def completion_tokens(self) -> int:
        """Tokens taken so far, including those of stop texts."""
        return sum(builder.tokens for builder in self._builders)

    @contextmanager
    def _cancelled_with(self, scope: CancelScope) -> Iterator[None]:
        """A context in which the sequences are cancelled as soon as the client disconnects; those that have not ended
        are also cancelled when it is left."""

        def on_disconnect() -> None:
            scope.cancel()
            self._cancel()

        try:
            with self._scheduler.disconnects.watching(scope.client, on_disconnect):
                yield
        finally:
            self._cancel()

    def _cancel(self) -> None:
        for scheduled in self._scheduled:
            scheduled.cancel()

    def _is_done(self) -> bool:
        return all(scheduled.done for scheduled in self._scheduled)

    def _has_unread_end(self) -> bool:
        """Whether a sequence has ended but its end was not read yet: it no longer sets `_wake`."""
        ends = zip(self._scheduled, self._builders, strict=True)
        return any(scheduled.done and builder.finish_reason is None for scheduled, builder in ends)

    def _wait_for_news(self, scope: CancelScope) -> bool:
        came = scope.wait(self._wake)
        if came:
            self._wake.clear()
        return came

    def _news(self) -> Iterator[tuple[int, Piece]]:
        for index, (scheduled, builder) in enumerate(zip(self._scheduled, self._builders, strict=True)):
            if builder.finish_reason is None:
                error = scheduled.error  # read first, so that everything before it is in the piece
                piece = builder.take()
                if piece.text or piece.finish_reason:
                    yield index, piece
                _raise_failure(error, builder)


def _raise_failure(error: BaseException | None, builder: ChoiceBuilder) -> None:
    if error is not None and builder.finish_reason is None:
        raise error


def _sequence(model: ResidentModel, prompt: Ids, request: GenerationRequest, seed: int) -> Sequence:
    """The engine's sequence; an empty prompt is read as the vocabulary's start token, which is not part of the text."""
    before = prompt if prompt.size else np.array([model.vocabulary.start_id], dtype=np.int32)
    score = request.echo and request.sampling.logprobs is not None and prompt.size > 0
    return Sequence(before, request.length, replace(request.sampling, seed=seed), score=score)
