"""Cancels requests when their client disconnects or their time is over; knows no HTTP."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from service.generation.errors import ClientGoneError, DeadlineError

POLL_SECONDS: Final = 0.05
"""How often a waiting request checks whether its client is still connected."""


@dataclass(frozen=True, slots=True)
class Client:
    """The client that waits for a request's result."""

    is_connected: Callable[[], bool] = lambda: True
    """Whether the client still waits; costs a system call."""
    descriptor: int | None = None
    """The file descriptor of its connection, if it has one."""
    asked_at: float | None = None
    """When the request arrived, in seconds of time.monotonic; None: now. Everything done for one request shares its
    time."""


NO_CLIENT: Final = Client()
"""For work without a connection: it never disconnects."""


class CancelScope:
    """Ends a request early when its `client` disconnects, or when the shortest of `timeouts`, in seconds since it
    arrived, is over (None: no limit). Named after trio's; here threads wait within it."""

    def __init__(self, client: Client, *timeouts: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self.client = client
        self._cancelled = False
        self._timeout = min((each for each in timeouts if each is not None), default=None)
        self._clock = clock
        asked_at = clock() if client.asked_at is None else client.asked_at
        self._deadline = None if self._timeout is None else asked_at + self._timeout

    def wait(self, event: threading.Event) -> bool:
        """Wait for the event for up to POLL_SECONDS; returns whether it was set. Raises ClientGoneError,
        DeadlineError."""
        if event.wait(self._seconds_to_wait()):
            self.raise_if_cancelled()
            return True
        self._check_client()
        return False

    def cancel(self) -> None:
        """Note that the client has disconnected; may be called by any thread."""
        self._cancelled = True

    def raise_if_cancelled(self) -> None:
        """Raises ClientGoneError after `cancel`; costs no system call."""
        if self._cancelled:
            raise ClientGoneError("the client hung up")

    def check(self) -> None:
        """Raises ClientGoneError, DeadlineError; for work that is done in the request's own thread."""
        self._seconds_to_wait()
        self._check_client()

    def _check_client(self) -> None:
        if not self.client.is_connected():
            self.cancel()
        self.raise_if_cancelled()

    def _seconds_to_wait(self) -> float:
        if self._deadline is None or self._timeout is None:
            return POLL_SECONDS
        left = self._deadline - self._clock()
        if left <= 0:
            raise DeadlineError(self._timeout)
        return min(POLL_SECONDS, left)
