"""A connection, and the set of idle ones, which wait for their clients."""

from __future__ import annotations

import selectors
import time
from collections.abc import Callable, Iterator
from enum import Enum, auto
from functools import partial
from itertools import islice
from typing import Any, Final

from service.processes.web_server.client_socket import ClientSocket
from service.processes.web_server.request_parser import Parser

MAX_DISCARDED: Final = 1 << 26
"""The maximum number of bytes of an unread request body that are read and discarded after the reply."""

LOOKED_AT: Final = 16
"""Of how many of the oldest idle connections it is looked up whether their clients have just sent something."""


class Awaited(Enum):
    """What an idle connection waits for."""

    HEAD = auto()
    """A first request, or the rest of a request's head."""
    BODY = auto()
    """The rest of a small body."""
    PLACE = auto()
    """A thread for its upload; the client is not listened to meanwhile."""
    NEXT = auto()
    """The next request."""
    END = auto()
    """The client to close it: the last reply has been sent."""


class After(Enum):
    """What to do with a connection after its requests: go on with it, end it, or close it at once."""

    GO_ON = auto()
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


class IdleConnections:
    """The idle connections, which need no thread; a poller, shared with other uses, reports which become readable."""

    def __init__(self, poller: selectors.BaseSelector) -> None:
        self._poller = poller
        # In the order in which they have begun to wait.
        self._of: dict[Awaited, dict[Connection, None]] = {awaited: {} for awaited in Awaited}

    def __contains__(self, connection: Connection) -> bool:
        return connection in self._of[connection.awaited]

    def __iter__(self) -> Iterator[Connection]:
        return (connection for each in self._of.values() for connection in each)

    def add(
        self, connection: Connection, awaited: Awaited, seconds: float, on_readable: Callable[[Connection], None]
    ) -> None:
        """Make it wait for this, for at most this many seconds; `on_readable` is called when its client has sent
        something, or closed it."""
        self._put(connection, awaited, seconds)
        if awaited is not Awaited.PLACE:
            self._poller.register(connection.client, selectors.EVENT_READ, partial(on_readable, connection))

    def renew(self, connection: Connection, awaited: Awaited, seconds: float) -> None:
        """Make an idle one wait for this, from now on; not for a place, or one that waits for a place."""
        del self._of[connection.awaited][connection]
        self._put(connection, awaited, seconds)

    def remove(self, connection: Connection) -> None:
        """Watch it no longer, if it was watched."""
        if connection in self:
            del self._of[connection.awaited][connection]
            if connection.awaited is not Awaited.PLACE:
                self._poller.unregister(connection.client)

    def expired(self) -> list[Connection]:
        """The connections that have been idle for too long."""
        now = time.monotonic()
        return [each for each in self if each.deadline <= now]

    def cap(self, seconds: float, awaited: Awaited | None = None) -> None:
        """Limit the idle time of all connections, or those that wait for this, to so many seconds from now on."""
        latest = time.monotonic() + seconds
        for each in self if awaited is None else self._of[awaited]:
            each.deadline = min(each.deadline, latest)

    def most_dispensable(self, newcomer: Connection | None) -> Connection | None:
        """One whose last reply was sent, or else the one that has waited for its client the longest and still does."""
        ended = self._of[Awaited.END]
        if ended:
            return next(iter(ended))
        oldest = [each for waiting in self._of.values() for each in islice(waiting, LOOKED_AT) if each is not newcomer]
        oldest.sort(key=lambda each: each.since)
        return next((each for each in oldest if not each.client.comes_within(0)), None)

    def _put(self, connection: Connection, awaited: Awaited, seconds: float) -> None:
        connection.awaited, connection.since = awaited, time.monotonic()
        connection.deadline = connection.since + seconds
        self._of[awaited][connection] = None
