"""Who waits for a result, and noticing at once when they hang up; knows no HTTP."""

from __future__ import annotations

import select
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Client:
    """`is_there` looks whether the client still waits; `descriptor` is its connection's, where it has one; `since` is
    when it asked, in the seconds of time.monotonic, None for now: whatever is done for one request shares its time."""

    is_there: Callable[[], bool] = lambda: True
    descriptor: int | None = None
    since: float | None = None


ANYBODY: Final = Client()
"""Who never hangs up."""


class HangUps:
    """The connections of clients who wait: one thread checks now and then which of them were closed.

    It costs a system call, however many they are. Without epoll (elsewhere than on Linux) nothing is noticed here, and
    those who wait find out by themselves, somewhat later.
    """

    def __init__(self) -> None:
        self._epoll = select.epoll() if hasattr(select, "epoll") else None
        self._watched: dict[int, Callable[[], None]] = {}
        # Held from a look until what it brought is told: meanwhile no descriptor passes on to the next client.
        self._looking = threading.Lock()

    @contextmanager
    def watching(self, client: Client, left: Callable[[], None]) -> Iterator[None]:
        """Meanwhile `left` is called, by the thread that checks, when the client hangs up."""
        descriptor = client.descriptor
        if self._epoll is None or descriptor is None or descriptor in self._watched:
            yield
            return
        self._watched[descriptor] = left
        try:
            with suppress(OSError):  # closed already, which whoever waits will see
                self._epoll.register(descriptor, select.EPOLLRDHUP | select.EPOLLONESHOT)
            yield
        finally:
            with self._looking:
                del self._watched[descriptor]
            with suppress(OSError, ValueError):
                self._epoll.unregister(descriptor)

    def check(self) -> None:
        """Call what is to be called for those who have left since."""
        if self._epoll is None or not self._watched:
            return
        with self._looking:
            for descriptor, _ in self._epoll.poll(0):
                if (left := self._watched.get(descriptor)) is not None:
                    left()
