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
    """What `ask` returns, at most a second old. One thread asks at a time, and the others wait for its answer: `ask`
    must not take long."""

    def __init__(self, ask: Callable[[], T], clock: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask
        self._clock = clock
        self._lock = threading.Lock()
        self._next = float("-inf")
        self._answer: T

    def __call__(self) -> T:
        """The answer; raises as `ask` does."""
        with self._lock:
            if self._clock() >= self._next:
                self._answer = self._ask()
                self._next = self._clock() + FRESH_SECONDS
            return self._answer
