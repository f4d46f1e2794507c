"""All sequences of one request: as many are submitted as may be active at once, and the others as these end."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Final

from service.generation.cancellation import CancelScope
from service.generation.scheduling.scheduled import ScheduledSequence
from service.generation.scheduling.scheduler import Scheduler
from service.generation.scheduling.waiting import Submitted

LEFT: Final = 8
"""One in so many places is left to others, who would otherwise wait for the first of many long sequences to end."""


class Submission:
    """The sequences of a request in the order in which they are submitted; `wake` is the event that they share.

    Nearly as many as may be active are submitted when it is created (or `at_once`, if these are more), all of them or
    none: it raises what `Scheduler.submit` raises. The others take the places that these leave, or wait for one where
    another request was quicker. The request's thread uses it; only `cancel` may be called by any thread.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        sequences: Iterable[Submitted],
        wake: threading.Event,
        *,
        at_once: int = 0,
        helps: bool = False,
    ) -> None:
        self._scheduler = scheduler
        self._wake = wake
        self._left = deque(sequences)
        self._most = max(at_once, scheduler.max_active - scheduler.max_active // LEFT)
        self._cancelled = False
        first = list(islice(self._left, self._most))
        if first:
            scheduler.submit_all(first, helps=helps)
        self._submitted = self._taken(len(first))

    def wait(self, scope: CancelScope) -> None:
        """Return when all have ended, or one has failed. Raises what the scope raises; the rest are then cancelled."""
        try:
            self._scheduler.help(self._is_done)
            if not self._is_done():
                self.wait_for_news(scope)
            if not self._is_done():  # usually this is fast enough that watching the connection is not worth its cost
                with self.cancelled_with(scope):
                    while not self._is_done():
                        self.wait_for_news(scope)
                    scope.raise_if_cancelled()
        finally:
            self.cancel()

    def wait_for_news(self, scope: CancelScope) -> bool:
        """Wait for up to POLL_SECONDS until `wake` is set, clear it, and submit what has a place now; returns whether
        it was set. Raises what the scope raises."""
        came = scope.wait(self._wake)
        if came:
            self._wake.clear()
        self._submit_more()
        return came

    @contextmanager
    def cancelled_with(self, scope: CancelScope) -> Iterator[None]:
        """A context in which the sequences are cancelled as soon as the client disconnects; those that have not ended
        are also cancelled when it is left."""

        def on_disconnect() -> None:
            scope.cancel()
            self.cancel()

        try:
            with self._scheduler.disconnects.watching(scope.client, on_disconnect):
                yield
        finally:
            self.cancel()

    def cancel(self) -> None:
        """Submit no more, and cancel those that have not ended."""
        self._cancelled = True
        for scheduled in self._submitted:
            scheduled.cancel()

    def _is_done(self) -> bool:
        self._submit_more()
        return (self._cancelled or not self._left) and all(scheduled.done for scheduled in self._submitted)

    def _submit_more(self) -> None:
        """Submit as many as there are places for, unless one has failed."""
        if self._cancelled or not self._left:
            return
        if any(scheduled.error is not None for scheduled in self._submitted):
            self.cancel()
            return
        active = [scheduled for scheduled in self._submitted if not scheduled.done]
        if len(active) < self._most:
            count = self._scheduler.submit_some(list(islice(self._left, self._most - len(active))))
            self._submitted = active + self._taken(count)

    def _taken(self, count: int) -> list[ScheduledSequence]:
        return [self._left.popleft()[1] for _ in range(count)]
