"""Work that is divided in slices of a few milliseconds, which are done between two steps of the batches."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from threading import Event
from typing import Any, Final, TypeVar

from service.generation.cancellation import CancelScope

T = TypeVar("T")

SLICE_SECONDS: Final = 0.002
"""About how long a slice should take: so much longer may a request wait that comes meanwhile."""
SHORT_SLICE_SECONDS: Final = 0.0005
"""The same while sequences are active, or were in the last QUIET_SECONDS: a request's threads may have to wait for
several slices, at each of their turns."""
QUIET_SECONDS: Final = 0.1
PAUSE: Final = 4
"""How many times as long as the last slice the next one waits while sequences are active: they get four fifths of the
time."""


def result_within(scope: CancelScope, future: Future[T]) -> T:
    """The result of a slice, once its turn has come and it is done. Raises what the scope raises; it is then not run
    any more."""
    if not future.done():
        wake = Event()
        future.add_done_callback(lambda _: wake.set())
        try:
            while not scope.wait(wake):
                pass
        finally:
            future.cancel()
    return future.result()


class Slices:
    """Slices in order of arrival. Any thread may add one; one thread at a time runs them."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._waiting: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._next_at = 0.0
        self._quiet_at = 0.0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, work: Callable[[], T]) -> Future[T]:
        """Add a slice, whose result or error the future will have."""
        future: Future[T] = Future()
        self._waiting.append((future, work))
        return future

    @property
    def seconds(self) -> float:
        """About how long the next slice should take."""
        return SLICE_SECONDS if self._clock() >= self._quiet_at else SHORT_SLICE_SECONDS

    def run(self, *, busy: bool) -> None:
        """Run the next slice, if there is one; while sequences are active (`busy`), not sooner than after a pause."""
        if busy:
            self._quiet_at = self._clock() + QUIET_SECONDS
        if not self._waiting or (busy and self._clock() < self._next_at):
            return
        future, work = self._waiting.popleft()
        if not future.set_running_or_notify_cancel():
            return
        began = self._clock()
        try:
            future.set_result(work())
        except Exception as error:
            future.set_exception(error)
        ended = self._clock()
        self._next_at = ended + PAUSE * (ended - began)

    def fail(self, error: Exception) -> None:
        """End all of them with this error."""
        while self._waiting:
            future, _ = self._waiting.popleft()
            if future.set_running_or_notify_cancel():
                future.set_exception(error)
