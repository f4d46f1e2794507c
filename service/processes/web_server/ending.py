"""Ends connections so that the client gets the last reply."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from service.processes.web_server.connection import Awaited, Connection
from service.processes.web_server.open_connections import OpenConnections

END_SECONDS: Final = 30.0
"""How long a client may go on sending after the last reply; then the connection is closed."""

SILENT_END_SECONDS: Final = 5.0
"""How long it may be silent in that time."""


class Ending:
    """Stops sending, and discards what the client still sends until it closes the connection: closing at once could
    destroy the reply (RFC 9112, section 9.6). `bounded` may shorten a number of seconds."""

    def __init__(self, connections: OpenConnections, bounded: Callable[[float], float]) -> None:
        self._connections, self._bounded = connections, bounded

    def begin(self, connection: Connection) -> None:
        """Its last reply has been sent."""
        try:
            connection.client.end_sending()
        except ConnectionError:
            self._connections.close(connection)
            return
        connection.last_deadline = time.monotonic() + END_SECONDS
        self._connections.idle.add(connection, Awaited.END, self._bounded(SILENT_END_SECONDS), self._discard)

    def _discard(self, connection: Connection) -> None:
        if (data := self._connections.receive(connection)) is None:
            return
        connection.discards -= len(data)
        connection.deadline = min(time.monotonic() + self._bounded(SILENT_END_SECONDS), connection.last_deadline)
        if not data or connection.discards < 0:
            self._connections.close(connection)
