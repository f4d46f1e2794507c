"""The event loop of a web process: accepts connections and watches the idle ones; it never waits for a single
client."""

from __future__ import annotations

import selectors
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from gunicorn.workers.gthread import PollableMethodQueue

from service.processes.web_server.accepting import FullError, accept, defer
from service.processes.web_server.client_socket import ClientSocket
from service.processes.web_server.connection import After, Awaited, Connection, IdleConnections
from service.processes.web_server.errors import error_response
from service.processes.web_server.request_parser import Parser
from service.processes.web_server.thread_pool import ThreadPool

RECEIVED: Final = 1 << 16
"""Bytes received at once."""

END_SECONDS: Final = 30.0
"""How long a client may go on sending after the last reply; then the connection is closed."""

SILENT_END_SECONDS: Final = 5.0
"""How long it may be silent in that time."""

STOP_SECONDS: Final = 2.0
"""How long a process that shuts down waits for requests that are being received."""

STUCK_SECONDS: Final = 1.0
"""A client that a thread has waited for this long may be disconnected when the connection limit is reached."""


class EventLoop:
    """The connections of a process, up to `most`, of which one is kept free. When the head of a request has arrived,
    the connection is passed to `serve`, in a thread.

    `patience`: seconds for the head of a request; `keepalive`: between two requests; `siblings`: whether other
    processes accept connections of the same listeners.
    """

    def __init__(
        self,
        configuration: Any,
        listeners: Sequence[Any],
        threads: ThreadPool,
        serve: Callable[[Connection], After],
        *,
        most: int,
        patience: float,
        siblings: bool = False,
    ) -> None:
        self._configuration, self._listeners, self._threads, self._serve = configuration, listeners, threads, serve
        self._most, self._patience, self._keepalive = most, patience, float(configuration.keepalive)
        self._siblings = siblings
        self._poller = selectors.DefaultSelector()
        self._idle = IdleConnections(self._poller)
        self._open: set[Connection] = set()
        self._accepting = self._ending = self._full = False
        self._looked = 0.0
        self._calls = PollableMethodQueue()
        self._calls.init()
        self._poller.register(self._calls.fileno(), selectors.EVENT_READ, partial(self._calls.run_callbacks, None))

    @property
    def count(self) -> int:
        """The number of open connections."""
        return len(self._open)

    def wake(self) -> None:
        """Make `run_once` return; may be called by a signal handler."""
        self._calls.defer(lambda: None)

    def run_once(self, seconds: float = 1.0) -> None:
        """Handle pending events; if there are none, wait at most this many seconds for one."""
        self._accept_any(not (self._ending or self._full) and len(self._open) < self._most)
        self._full = False
        for key, _ in self._poller.select(seconds):
            key.data()
        if time.monotonic() - self._looked >= min(seconds, self._patience / 4):
            self._looked = time.monotonic()
            for connection in self._idle.expired():
                self._give_up(connection)

    def stop_accepting(self) -> None:
        """Accept no more connections, and close those that are idle soon."""
        self._ending = True
        self._accept_any(False)
        self._idle.cap(STOP_SECONDS)

    def _accept_any(self, wanted: bool) -> None:
        if wanted == self._accepting:
            return
        self._accepting = wanted
        for listener in self._listeners:
            if wanted:
                listener.setblocking(False)
                self._poller.register(listener, selectors.EVENT_READ, partial(self._accept, listener))
            else:
                self._poller.unregister(listener)

    def _accept(self, listener: Any) -> None:
        if self._siblings:
            defer(len(self._open))
        try:
            found = accept(listener)
        except FullError:
            self._free_connection()
            self._full = True  # until another event: retrying at once would be a busy loop
            return
        if found is None:
            return
        accepted, address = found
        client = ClientSocket(accepted, self._threads, self._patience)
        connection = Connection(client, Parser(self._configuration, client, address), address, listener.getsockname())
        self._open.add(connection)
        self._idle.add(connection, Awaited.HEAD, self._patience, self._receive)
        if len(self._open) >= self._most:
            self._free_connection(connection)

    def _receive(self, connection: Connection) -> None:
        """Part of a request's head may have arrived."""
        if (data := self._received(connection)) is None:
            return
        if not data:
            self._close(connection)
            return
        parser = connection.parser
        begun = parser.has_begun
        parser.feed(data)
        if parser.has_request:
            self._idle.remove(connection)
            self._threads.submit(partial(self._in_thread, connection))
        elif not begun:
            connection.wait(Awaited.HEAD, self._no_longer_than(self._patience))

    def _in_thread(self, connection: Connection) -> None:
        after = After.ABORT
        try:
            after = self._serve(connection)
        finally:
            self._calls.defer(self._go_on, connection, after)

    def _go_on(self, connection: Connection, after: After) -> None:
        """Continue with a connection that a thread has finished with."""
        if after is After.WAIT:
            half = connection.parser.has_begun
            seconds = self._no_longer_than(self._patience if half else self._keepalive)
            self._idle.add(connection, Awaited.HEAD if half else Awaited.NEXT, seconds, self._receive)
        elif after is After.END:
            self._end(connection)
        else:
            connection.client.abort()
            self._close(connection)

    def _end(self, connection: Connection) -> None:
        """Stop sending; closing at once while the client still sends could destroy the reply (RFC 9112, section
        9.6)."""
        try:
            connection.client.end_sending()
        except ConnectionError:
            self._close(connection)
            return
        connection.last_deadline = time.monotonic() + END_SECONDS
        self._idle.add(connection, Awaited.END, self._no_longer_than(SILENT_END_SECONDS), self._discard)

    def _discard(self, connection: Connection) -> None:
        """Discard what the client sends after the last reply."""
        if (data := self._received(connection)) is None:
            return
        connection.discards -= len(data)
        patience = self._no_longer_than(SILENT_END_SECONDS)
        connection.deadline = min(time.monotonic() + patience, connection.last_deadline)
        if not data or connection.discards < 0:
            self._close(connection)

    def _no_longer_than(self, seconds: float) -> float:
        return min(seconds, STOP_SECONDS) if self._ending else seconds

    def _received(self, connection: Connection) -> bytes | None:
        """The bytes received, none at the end; None if nothing has arrived yet."""
        if connection not in self._idle:  # closed to free a connection, while it became ready
            return None
        try:
            return connection.client.receive(RECEIVED)
        except ConnectionError:
            return b""

    def _give_up(self, connection: Connection) -> None:
        """End a connection that has been idle for too long."""
        self._idle.remove(connection)
        if connection.awaited is Awaited.END or not connection.parser.has_begun:
            self._close(connection)
        else:
            connection.client.offer(error_response(408))
            self._end(connection)

    def _free_connection(self, newcomer: Connection | None = None) -> None:
        """End the most dispensable connection: one whose last reply was sent, or the one that has been waited for
        longest; only then one that may send another request."""
        found = [each for each in self._open if each is not newcomer and self._can_go(each)]
        if not found:
            return
        one = max(found, key=self._dispensable)
        if one in self._idle:
            self._close(one)
        else:
            one.client.hang_up()  # the thread that waits for it closes it

    def _can_go(self, connection: Connection) -> bool:
        return connection in self._idle or connection.client.waited_for > STUCK_SECONDS

    def _dispensable(self, connection: Connection) -> tuple[bool, bool, float]:
        if connection in self._idle:
            awaited, waited = connection.awaited, time.monotonic() - connection.since
            return awaited is Awaited.END, awaited is Awaited.HEAD, waited
        return False, True, connection.client.waited_for

    def _close(self, connection: Connection) -> None:
        self._idle.remove(connection)
        self._open.discard(connection)
        connection.client.close()
