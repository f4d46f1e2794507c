"""A connection, and the set of idle ones, which wait for their clients."""

from __future__ import annotations

import selectors
import time
from collections.abc import Callable
from enum import Enum, auto
from functools import partial
from typing import Any, Final

from service.processes.web_server.client_socket import ClientSocket
from service.processes.web_server.request_parser import Parser

MAX_DISCARDED: Final = 1 << 26
"""The maximum number of bytes of an unread request body that are read and discarded after the reply."""


class Awaited(Enum):
    """What an idle connection waits for."""

    HEAD = auto()
    """A first request, or the rest of a request's head."""
    NEXT = auto()
    """The next request."""
    END = auto()
    """The client to close it: the last reply has been sent."""


class After(Enum):
    """What to do with a connection after its requests: wait for another one, end it, or close it at once."""

    WAIT = auto()
    END = auto()
    ABORT = auto()


class Connection:
    """A client's socket and the parser of its requests; since when it has been idle and until when it may be, by
    time.monotonic."""

    def __init__(self, client: ClientSocket, parser: Parser, address: Any, server: Any) -> None:
        self.client, self.parser, self.address, self.server = client, parser, address, server
        self.awaited = Awaited.HEAD
        self.since = self.deadline = self.last_deadline = 0.0
        self.discards = MAX_DISCARDED

    def wait(self, awaited: Awaited, seconds: float) -> None:
        """Make it wait for this, for at most this many seconds."""
        self.awaited, self.since = awaited, time.monotonic()
        self.deadline = self.since + seconds


class IdleConnections:
    """The idle connections, which need no thread; a poller, shared with other uses, reports which become readable."""

    def __init__(self, poller: selectors.BaseSelector) -> None:
        self._poller = poller
        self._connections: set[Connection] = set()

    def __contains__(self, connection: Connection) -> bool:
        return connection in self._connections

    def add(
        self, connection: Connection, awaited: Awaited, seconds: float, on_readable: Callable[[Connection], None]
    ) -> None:
        """Watch this connection; `on_readable` is called when its client has sent something, or closed it."""
        connection.wait(awaited, seconds)
        self._connections.add(connection)
        self._poller.register(connection.client, selectors.EVENT_READ, partial(on_readable, connection))

    def remove(self, connection: Connection) -> None:
        """Watch it no longer, if it was watched."""
        if connection in self._connections:
            self._connections.remove(connection)
            self._poller.unregister(connection.client)

    def expired(self) -> list[Connection]:
        """The connections that have been idle for too long."""
        now = time.monotonic()
        return [each for each in self._connections if each.deadline <= now]

    def cap(self, seconds: float) -> None:
        """Limit the idle time of all connections to this, from now on."""
        latest = time.monotonic() + seconds
        for each in self._connections:
            each.deadline = min(each.deadline, latest)
