"""Connections, and waiting for those on which nothing is done until their client does something."""

from __future__ import annotations

import selectors
import time
from collections.abc import Callable
from enum import Enum, auto
from functools import partial
from typing import Any, Final

from service.processes.web_server.client import Client
from service.processes.web_server.requests import Parser

MAX_DISCARDED: Final = 1 << 26
"""Bytes of a body that nobody wants that are read, and forgotten, after the reply."""


class Kind(Enum):
    """What a connection waits for."""

    HEAD = auto()
    """A first request, or the rest of a request's head."""
    NEXT = auto()
    """Another request."""
    END = auto()
    """The client's end: it was answered, and nothing more is sent to it."""


class After(Enum):
    """What becomes of a connection that a thread is through with."""

    WAIT = auto()
    END = auto()
    ABORT = auto()


class Connection:
    """A client, its requests, and since and until when it is waited for, by the monotonic clock."""

    def __init__(self, client: Client, parser: Parser, address: Any, server: Any) -> None:
        self.client, self.parser, self.address, self.server = client, parser, address, server
        self.kind = Kind.HEAD
        self.since = self.deadline = self.last_deadline = 0.0
        self.discards = MAX_DISCARDED

    def wait(self, kind: Kind, seconds: float) -> None:
        """From now on it waits for this, and no longer than so many seconds."""
        self.kind, self.since = kind, time.monotonic()
        self.deadline = self.since + seconds


class Waiting:
    """The connections that wait, none of them with a thread; the poller, which others use too, tells which go on."""

    def __init__(self, poller: selectors.BaseSelector) -> None:
        self._poller = poller
        self._connections: set[Connection] = set()

    def __contains__(self, connection: Connection) -> bool:
        return connection in self._connections

    def add(
        self, connection: Connection, kind: Kind, seconds: float, on_readable: Callable[[Connection], None]
    ) -> None:
        """Wait for this connection; `on_readable` is what to call when something came, or the end."""
        connection.wait(kind, seconds)
        self._connections.add(connection)
        self._poller.register(connection.client, selectors.EVENT_READ, partial(on_readable, connection))

    def remove(self, connection: Connection) -> None:
        """Wait no longer for it, if it did."""
        if connection in self._connections:
            self._connections.remove(connection)
            self._poller.unregister(connection.client)

    def expired(self) -> list[Connection]:
        """Those that have waited for as long as they may."""
        now = time.monotonic()
        return [each for each in self._connections if each.deadline <= now]

    def cap(self, seconds: float) -> None:
        """None waits for longer than this from now on."""
        latest = time.monotonic() + seconds
        for each in self._connections:
            each.deadline = min(each.deadline, latest)
