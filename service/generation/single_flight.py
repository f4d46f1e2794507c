"""Computes identical work that several threads request at the same time only once (like Go's singleflight)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

from service.generation.cancellation import CancelScope

Key = TypeVar("Key", bound=Hashable)
Result = TypeVar("Result")


class SingleFlight(Generic[Key, Result]):
    """The calls in progress by key: a second caller with the same key waits for the first one's result."""

    def __init__(self) -> None:
        self._calls: dict[Key, _Call[Result]] = {}

    def once(
        self, keys: Iterable[Key], make: Callable[[Sequence[Key]], Sequence[Result]], scope: CancelScope
    ) -> dict[Key, tuple[Result, bool]]:
        """The result for each of the keys, and whether another thread computed it. `make` computes together what no
        other thread is computing. If a thread fails, one of the waiting ones takes over.

        Raises what `make` raises in this thread, and what `scope.wait` raises.
        """
        results: dict[Key, tuple[Result, bool]] = {}
        while left := [key for key in dict.fromkeys(keys) if key not in results]:
            mine: dict[Key, _Call[Result]] = {key: _Call() for key in left}
            calls = {key: self._calls.setdefault(key, call) for key, call in mine.items()}
            led = {key: call for key, call in calls.items() if call is mine[key]}
            # Two threads never wait for each other: each ends what it leads before it waits.
            results |= {key: (result, False) for key, result in self._lead(led, make).items()}
            for key, call in calls.items():
                if key not in led:
                    while not scope.wait(call.ended):
                        pass
                    if call.results:
                        results[key] = (call.results[0], True)
        return results

    def _lead(
        self, led: Mapping[Key, _Call[Result]], make: Callable[[Sequence[Key]], Sequence[Result]]
    ) -> dict[Key, Result]:
        try:
            results = dict(zip(led, make(list(led)), strict=True)) if led else {}
            for key, result in results.items():
                led[key].results.append(result)
            return results
        finally:
            for key, call in led.items():
                del self._calls[key]
                call.ended.set()


class _Call(Generic[Result]):
    def __init__(self) -> None:
        self.ended = threading.Event()
        self.results: list[Result] = []
        """The result; empty while the call runs, and after a failure."""
