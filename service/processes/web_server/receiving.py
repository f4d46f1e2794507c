"""Which requests are received without a thread, and which of the long ones have one."""

from __future__ import annotations

from collections import deque
from typing import Final

from service.processes.web_server.client_socket import ClientSocket
from service.processes.web_server.connection import Connection

RECEIVING_BYTES: Final = 1 << 26
"""How much of bodies that are not whole yet may be in memory; beyond it, the one that began first is given up."""

CHANCE_SECONDS: Final = 5.0
"""An upload keeps its thread for so long at least, and then as long as it is quicker than SLOW_RATE or none waits."""

SLOW_RATE: Final = 1 << 16
"""Bytes per second."""


class SmallBodies:
    """The connections whose small bodies are being received, and how many bytes of them are held."""

    def __init__(self, most: int = RECEIVING_BYTES) -> None:
        self._most = most
        self._held: dict[Connection, int] = {}
        self._sum = 0

    def hold(self, connection: Connection) -> None:
        """Note how much is held of a body, whose first bytes may have come just now."""
        held = connection.parser.held
        self._sum += held - self._held.get(connection, 0)
        self._held[connection] = held

    def remove(self, connection: Connection) -> None:
        """It is whole, or given up."""
        self._sum -= self._held.pop(connection, 0)

    @property
    def excessive(self) -> Connection | None:
        """The connection whose body is to be given up because too much is held, if there is one."""
        return next(iter(self._held)) if self._sum > self._most else None


class Uploads:
    """The requests that are read by a thread while they arrive, at most `places` at once; the others wait for a place.
    So most threads are left to other requests, however many uploads there are and however slow they are."""

    def __init__(self, places: int, chance_seconds: float = CHANCE_SECONDS) -> None:
        self._places, self._chance_seconds = places, chance_seconds
        self._active: set[Connection] = set()
        self.waiting: deque[Connection] = deque()

    def begin(self, connection: Connection) -> bool:
        """Give it a place if one is free."""
        if len(self._active) >= self._places:
            return False
        self._active.add(connection)
        return True

    def end(self, connection: Connection) -> None:
        """Its thread has finished, or it no longer waits."""
        self._active.discard(connection)
        if connection in self.waiting:
            self.waiting.remove(connection)

    def next(self) -> Connection | None:
        """Give a free place to the one that has waited longest, if there is one."""
        return self.waiting.popleft() if self.waiting and self.begin(self.waiting[0]) else None

    def give_up_slow(self) -> None:
        """Give up the slowest of those that have had their chance, one for each that waits."""
        slow = [each for each in self._active if self._is_slow(each.client)]
        for connection in sorted(slow, key=lambda each: each.client.rate)[: len(self.waiting)]:
            connection.client.give_up()

    def _is_slow(self, client: ClientSocket) -> bool:
        return client.waited_for > 0 and client.seconds > self._chance_seconds and client.rate < SLOW_RATE
