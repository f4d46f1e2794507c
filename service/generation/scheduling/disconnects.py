"""Detects clients that disconnect, in the thread that generates, with one system call for all of them."""

from __future__ import annotations

import select
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from service.generation.cancellation import Client


class DisconnectWatcher:
    """The connections of waiting clients, in one epoll set; `check` is called between two steps of the batches.

    Without epoll (on systems other than Linux) it does nothing; requests then check their own connections every
    POLL_SECONDS (`CancelScope.wait`).
    """

    def __init__(self) -> None:
        self._epoll = select.epoll() if hasattr(select, "epoll") else None
        self._callbacks: dict[int, Callable[[], None]] = {}
        # Held from polling until the callbacks have run: a descriptor that is closed meanwhile may be given to the next
        # connection, whose callback would then be called for the client before it.
        self._checking = threading.Lock()

    @contextmanager
    def watching(self, client: Client, on_disconnect: Callable[[], None]) -> Iterator[None]:
        """A context in which `on_disconnect` is called, by the thread that calls `check`, when the client
        disconnects."""
        descriptor = client.descriptor
        if self._epoll is None or descriptor is None or descriptor in self._callbacks:
            yield
            return
        self._callbacks[descriptor] = on_disconnect
        try:
            with suppress(OSError):  # already closed: the request will notice when it reads or writes
                self._epoll.register(descriptor, select.EPOLLRDHUP | select.EPOLLONESHOT)
            yield
        finally:
            with self._checking:
                del self._callbacks[descriptor]
            with suppress(OSError, ValueError):
                self._epoll.unregister(descriptor)

    def check(self) -> None:
        """Call the callbacks of the clients that have disconnected since the last call."""
        if self._epoll is None or not self._callbacks:
            return
        with self._checking:
            for descriptor, _ in self._epoll.poll(0):
                if (on_disconnect := self._callbacks.get(descriptor)) is not None:
                    on_disconnect()
