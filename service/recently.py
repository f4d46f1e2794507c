"""Remembers an answer for a second, for any number of threads, so that however often it is asked for, finding it out
costs little."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final, Generic, TypeVar

FRESH_SECONDS: Final = 1.0

T = TypeVar("T")


class Recently(Generic[T]):
    """What `ask` returns, at most a second old.

    One thread asks at a time. Until the first answer is there the others wait for it; afterwards they get the latest
    one. `ask` does not raise.
    """

    def __init__(self, ask: Callable[[], T], clock: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask
        self._clock = clock
        self._lock = threading.Lock()
        self._answers: list[T] = []
        self._next = float("-inf")

    def __call__(self) -> T:
        """The answer."""
        if self._is_due() and self._lock.acquire(blocking=not self._answers):
            try:
                if self._is_due():  # not just asked by the thread that had the lock
                    self._answers = [self._ask()]
                    self._next = self._clock() + FRESH_SECONDS
            finally:
                self._lock.release()
        return self._answers[0]

    def _is_due(self) -> bool:
        return self._clock() >= self._next
