"""The sequences of requests that are computed together, one for each choice, from their submission to their choices
(vLLM's sequence group)."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from collections.abc import Sequence as Items
from itertools import islice
from typing import Final

from charrnn.sampling import DRAWN_SEED_BITS, choice_seed
from service.generation.admission import Admitted
from service.generation.cache import Found
from service.generation.cached_choice import Beginning, CachedChoice, Entry
from service.generation.cancellation import CancelScope
from service.generation.choice_run import ChoiceRun
from service.generation.continuations.continuation import CutOffError
from service.generation.errors import ClosedError
from service.generation.pieces import Piece
from service.generation.requests import Choice
from service.generation.scheduling.scheduler import Scheduler
from service.generation.scheduling.submission import Submission

PIECE_SECONDS: Final = 0.02
"""The minimum time between two pieces of a stream, so that pieces are longer than a character even under load."""

_NEVER_SET: Final = threading.Event()


class SequenceGroup:
    """Submits the sequences of all `admitted` requests together when it is created, in the thread that then calls
    `wait` or iterates over `pieces`.

    Raises what `Scheduler.submit` raises.
    """

    def __init__(self, scheduler: Scheduler, admitted: Items[Admitted], *, stream: bool) -> None:
        self.seeds = [_seeds(each) for each in admitted]
        self._wake = threading.Event()
        self._runs = [
            ChoiceRun(each, seed, beginning, self._wake, stream=stream)
            for each, seeds in zip(admitted, self.seeds, strict=True)
            for seed, beginning in zip(seeds, _beginnings(each), strict=True)
        ]
        sequences = [(run.engine, run.scheduled) for run in self._runs if run.scheduled is not None]
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
        arrived for POLL_SECONDS. Raises CutOffError, and what the scope and the engine raise."""
        with self._submission.cancelled_with(scope):
            while self._is_running():
                scope.raise_if_cancelled()
                if any(run.has_unread_end for run in self._runs) or self._submission.wait_for_news(scope):
                    yield from self._news()
                    if self._is_running():
                        time.sleep(PIECE_SECONDS)
                else:
                    yield None

    def cancel(self) -> None:
        """Cancel the sequences that have not ended."""
        self._submission.cancel()

    def choices(self) -> list[tuple[Choice, ...]]:
        """The choices of each request, after all sequences have ended. Raises the engine's error, if any."""
        for run in self._runs:
            if not run.has_ended:
                run.take()
                run.raise_failure(run.error)
        made = (run.choice() for run in self._runs)
        return [tuple(islice(made, len(seeds))) for seeds in self.seeds]

    def entries(self) -> list[Entry | None]:
        """Those of each request for the cache, after `choices`; None for what is too large."""
        made = (run.for_cache() for run in self._runs)
        entries = [tuple(islice(made, len(seeds))) for seeds in self.seeds]
        return [_entry(each) for each in entries]

    def completion_tokens(self) -> int:
        """Tokens taken so far, including cached ones and those of stop texts."""
        return sum(run.tokens for run in self._runs)

    def computed_tokens(self) -> int:
        """Those of them that were not cached."""
        return sum(max(0, run.tokens - run.cached_tokens) for run in self._runs)

    def _is_running(self) -> bool:
        return not all(run.has_ended for run in self._runs)

    def _news(self) -> Iterator[tuple[int, Piece]]:
        errors = []
        for index, run in enumerate(self._runs):
            if not run.has_ended:
                error = run.error  # read first, so that everything before it is in the piece
                yield from self._taken(index, run)
                if error is not None and not run.has_ended:
                    errors.append(error)
        if errors and isinstance(errors[0], ClosedError):
            yield from self._cut_off(errors[0])
        if errors:
            raise errors[0]

    def _taken(self, index: int, run: ChoiceRun) -> Iterator[tuple[int, Piece]]:
        piece = run.take()
        if piece.text or piece.finish_reason:
            yield index, piece

    def _cut_off(self, error: ClosedError) -> Iterator[tuple[int, Piece]]:
        """What was generated before the scheduler gave up, which ended all sequences at once. Raises CutOffError."""
        for index, run in enumerate(self._runs):
            if not run.has_ended:
                yield from self._taken(index, run)
        raise CutOffError(str(error), tuple(run.cut_off() for run in self._runs)) from error


def choices_in(found: Found, admitted: Admitted) -> tuple[Choice, ...]:
    """The choices of a request, all of which were found in the cache."""
    runs = [ChoiceRun(admitted, each.choice.seed, each, _NEVER_SET, stream=False) for each in found.beginnings]
    for run in runs:
        run.take()
    return tuple(run.choice() for run in runs)


def _seeds(admitted: Admitted) -> tuple[int, ...]:
    """The seed of each choice: those of the choices in the cache, the request's, or a drawn one; and those after it."""
    request, found = admitted.request, admitted.found
    if found is not None:
        return tuple(each.choice.seed for each in found.beginnings)
    first = secrets.randbits(DRAWN_SEED_BITS) if request.seed is None else request.seed
    return tuple(choice_seed(first, index) for index in range(request.n))


def _beginnings(admitted: Admitted) -> Items[Beginning | None]:
    return [None] * admitted.request.n if admitted.found is None else admitted.found.beginnings


def _entry(choices: Items[CachedChoice | None]) -> Entry | None:
    known = tuple(choice for choice in choices if choice is not None)
    return known if len(known) == len(choices) else None
