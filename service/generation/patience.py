"""How long a request waits: until its client hangs up or its time is over; and identical requests that wait for one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

from service.generation.clients import Client
from service.generation.errors import ClientGoneError, DeadlineError

POLL_SECONDS: Final = 0.05
"""How often it is asked whether the client is still there."""

Result = TypeVar("Result")


class Patience:
    """The patience of one request: that of its `client`, and for no more than `timeout` seconds since it asked."""

    def __init__(self, client: Client, timeout: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self.client = client
        self._has_left = False
        self._timeout = timeout
        self._clock = clock
        since = clock() if client.since is None else client.since
        self._until = None if timeout is None else since + timeout

    def wait(self, event: threading.Event) -> bool:
        """Wait for the event a moment; whether it came. Raises ClientGoneError, DeadlineError."""
        if event.wait(self._moment()):
            self.check_presence()
            return True
        self._look()
        return False

    def end(self) -> None:
        """The client was seen to hang up."""
        self._has_left = True

    def check_presence(self) -> None:
        """Raises ClientGoneError when the client was seen to hang up."""
        if self._has_left:
            raise ClientGoneError("the client hung up")

    def check(self) -> None:
        """Raises ClientGoneError, DeadlineError; for work that is done in the request's own thread."""
        self._moment()
        self._look()

    def _look(self) -> None:
        if not self.client.is_there():
            self.end()
        self.check_presence()

    def _moment(self) -> float:
        if self._until is None or self._timeout is None:
            return POLL_SECONDS
        left = self._until - self._clock()
        if left <= 0:
            raise DeadlineError(self._timeout)
        return min(POLL_SECONDS, left)


class Flights(Generic[Result]):
    """What is being made at the moment, so that who asks for the same waits for it instead of making it, too."""

    def __init__(self) -> None:
        self._under_way: dict[Hashable, _Flight[Result]] = {}

    def once(self, key: Hashable, make: Callable[[], Result], patience: Patience) -> tuple[Result, bool]:
        """The result and whether somebody else made it. When whoever makes it fails, one of those who wait takes over.

        Raises what `make` raises here, and what `patience` raises.
        """
        while True:
            mine: _Flight[Result] = _Flight()
            flight = self._under_way.setdefault(key, mine)
            if flight is mine:
                return self._lead(key, mine, make), False
            while not patience.wait(flight.ended):
                pass
            if flight.results:
                return flight.results[0], True

    def _lead(self, key: Hashable, flight: _Flight[Result], make: Callable[[], Result]) -> Result:
        try:
            result = make()
            flight.results.append(result)
            return result
        finally:
            del self._under_way[key]
            flight.ended.set()


class _Flight(Generic[Result]):
    def __init__(self) -> None:
        self.ended = threading.Event()
        self.results: list[Result] = []
