"""The open connections of a web process, and which of them makes way for another."""

from __future__ import annotations

import selectors
from typing import Final

from service.processes.web_server.connection import Connection, IdleConnections
from service.processes.web_server.receiving import SmallBodies, Uploads
from service.processes.web_server.stuck_clients import STUCK_SECONDS

RECEIVED: Final = 1 << 16
"""Bytes received at once."""


class OpenConnections:
    """Up to `most` connections, of which one is kept free: those that are `idle`, and those `in_threads`; with the
    small `bodies` that are being received, and the `uploads`, of which up to `upload_places` are read at once."""

    def __init__(self, poller: selectors.BaseSelector, most: int, upload_places: int) -> None:
        self._most = most
        self._open: set[Connection] = set()
        self.idle = IdleConnections(poller)
        self.in_threads: set[Connection] = set()
        self.bodies = SmallBodies()
        self.uploads = Uploads(upload_places)

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._open)

    @property
    def has_room(self) -> bool:
        """Whether there may be another."""
        return self.count < self._most

    def add(self, connection: Connection) -> None:
        """Another one, which is idle; one that was there may have to make way."""
        self._open.add(connection)
        if not self.has_room:
            self.make_room(connection)

    def receive(self, connection: Connection) -> bytes | None:
        """The bytes received by an idle one, none at the end; None if nothing has arrived yet."""
        if connection not in self.idle:  # closed to make room, while it became ready
            return None
        try:
            return connection.client.receive(RECEIVED)
        except ConnectionError:
            return b""

    def make_room(self, newcomer: Connection | None = None) -> None:
        """Close the most dispensable of the idle ones; if there is none, that of the client for which a thread has
        waited longest."""
        if (one := self.idle.most_dispensable(newcomer)) is not None:
            self.close(one)
        elif stuck := [each for each in self.in_threads if each.client.waited_for > STUCK_SECONDS]:
            max(stuck, key=lambda each: each.client.waited_for).client.hang_up()  # the thread closes it

    def close(self, connection: Connection) -> None:
        """Close it; no thread has it."""
        self.idle.remove(connection)
        self.bodies.remove(connection)
        self.uploads.end(connection)
        self._open.discard(connection)
        connection.client.close()
