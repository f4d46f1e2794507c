"""The sequences of requests that are computed together, one for each choice, from their submission to their choices
(vLLM's sequence group)."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from collections.abc import Sequence as Items
from dataclasses import replace
from itertools import islice
from typing import Final

from charrnn.engine.base import Sequence
from charrnn.sampling import DRAWN_SEED_BITS, choice_seed
from service.generation.admission import Admitted
from service.generation.cancellation import CancelScope
from service.generation.choice_builder import ChoiceBuilder
from service.generation.pieces import Piece
from service.generation.requests import Choice, GenerationRequest
from service.generation.scheduling.scheduled import ScheduledSequence
from service.generation.scheduling.scheduler import Scheduler
from service.generation.scheduling.submission import Submission

PIECE_SECONDS: Final = 0.02
"""The minimum time between two pieces of a stream, so that pieces are longer than a character even under load."""


class SequenceGroup:
    """Submits the sequences of all `admitted` requests together when it is created, in the thread that then calls
    `wait` or iterates over `pieces`.

    Raises what `Scheduler.submit` raises.
    """

    def __init__(self, scheduler: Scheduler, admitted: Items[Admitted], *, stream: bool) -> None:
        self.seeds = [_seeds(each.request) for each in admitted]
        self._wake = threading.Event()
        asked = [(each, seed) for each, seeds in zip(admitted, self.seeds, strict=True) for seed in seeds]
        self._builders = [ChoiceBuilder(each.model.vocabulary, each.prompt, each.request, seed) for each, seed in asked]
        self._scheduled = [
            ScheduledSequence(_sequence(each, seed), builder.add, self._wake, stream=stream)
            for (each, seed), builder in zip(asked, self._builders, strict=True)
        ]
        sequences = [(each.model.engine, one) for (each, _), one in zip(asked, self._scheduled, strict=True)]
        # A request alone has a place for all of its choices, or is refused; so have several that can all be active.
        together = len(sequences) <= scheduler.max_active
        at_once = len(sequences) if together else max(map(len, self.seeds))
        self._submission = Submission(scheduler, sequences, self._wake, at_once=at_once, helps=not stream)

    def wait(self, scope: CancelScope) -> list[tuple[Choice, ...]]:
        """The choices of each request, once all are complete. Raises what the scope and the engine raise."""
        self._submission.wait(scope)
        return self.choices()

    def pieces(self, scope: CancelScope) -> Iterator[tuple[int, Piece] | None]:
        """(index of the choice, counted through all requests, piece) as they arrive, and None whenever nothing has
        arrived for POLL_SECONDS. Raises what the scope and the engine raise."""
        with self._submission.cancelled_with(scope):
            while any(builder.finish_reason is None for builder in self._builders):
                scope.raise_if_cancelled()
                if self._has_unread_end() or self._submission.wait_for_news(scope):
                    yield from self._news()
                    time.sleep(PIECE_SECONDS)
                else:
                    yield None

    def cancel(self) -> None:
        """Cancel the sequences that have not ended."""
        self._submission.cancel()

    def choices(self) -> list[tuple[Choice, ...]]:
        """The choices of each request, after all sequences have ended. Raises the engine's error, if any."""
        for scheduled, builder in self._both():
            if builder.finish_reason is None:
                builder.take()
                _raise_failure(scheduled.error, builder)
        made = (builder.choice() for builder in self._builders)
        return [tuple(islice(made, len(seeds))) for seeds in self.seeds]

    def completion_tokens(self) -> int:
        """Tokens taken so far, including those of stop texts."""
        return sum(builder.tokens for builder in self._builders)

    def _both(self) -> Iterator[tuple[ScheduledSequence, ChoiceBuilder]]:
        return zip(self._scheduled, self._builders, strict=True)

    def _has_unread_end(self) -> bool:
        """Whether a sequence has ended but its end was not read yet: it no longer sets `_wake`."""
        return any(scheduled.done and builder.finish_reason is None for scheduled, builder in self._both())

    def _news(self) -> Iterator[tuple[int, Piece]]:
        for index, (scheduled, builder) in enumerate(self._both()):
            if builder.finish_reason is None:
                error = scheduled.error  # read first, so that everything before it is in the piece
                piece = builder.take()
                if piece.text or piece.finish_reason:
                    yield index, piece
                _raise_failure(error, builder)


def _raise_failure(error: BaseException | None, builder: ChoiceBuilder) -> None:
    if error is not None and builder.finish_reason is None:
        raise error


def _seeds(request: GenerationRequest) -> tuple[int, ...]:
    """The seed of each choice; without one of the request's, a drawn one and those after it."""
    first = secrets.randbits(DRAWN_SEED_BITS) if request.seed is None else request.seed
    return tuple(choice_seed(first, index) for index in range(request.n))


def _sequence(admitted: Admitted, seed: int) -> Sequence:
    """The engine's sequence; what is read before the prompt, a start or a label, is not part of the text."""
    request, prompt, model = admitted.request, admitted.prompt, admitted.model
    before = model.arrangement.read(prompt, model.vocabulary, request.label)
    score = request.echo and request.sampling.logprobs is not None and prompt.size > 0
    sampling = replace(request.sampling, seed=seed)
    return Sequence(before, request.length, sampling, score=score, end_id=model.vocabulary.end_id)
