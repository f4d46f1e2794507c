"""Computes identical work that several threads request at the same time only once (like Go's singleflight)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from service.generation.cancellation import CancelScope

Result = TypeVar("Result")


class SingleFlight(Generic[Result]):
    """The calls in progress by key: a second caller with the same key waits for the first one's result."""

    def __init__(self) -> None:
        self._calls: dict[Hashable, _Call[Result]] = {}

    def once(self, key: Hashable, make: Callable[[], Result], scope: CancelScope) -> tuple[Result, bool]:
        """The result, and whether another thread computed it. If that thread fails, one of the waiting ones takes over.

        Raises what `make` raises in this thread, and what `scope.wait` raises.
        """
        while True:
            mine: _Call[Result] = _Call()
            call = self._calls.setdefault(key, mine)
            if call is mine:
                return self._lead(key, mine, make), False
            while not scope.wait(call.ended):
                pass
            if call.results:
                return call.results[0], True

    def _lead(self, key: Hashable, call: _Call[Result], make: Callable[[], Result]) -> Result:
        try:
            result = make()
            call.results.append(result)
            return result
        finally:
            del self._calls[key]
            call.ended.set()


class _Call(Generic[Result]):
    def __init__(self) -> None:
        self.ended = threading.Event()
        self.results: list[Result] = []
        """The result; empty while the call runs, and after a failure."""
