"""The event loop of a web process: accepts connections and receives requests until they are whole; it never waits for
a single client."""

from __future__ import annotations

import selectors
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from gunicorn.workers.gthread import PollableMethodQueue

from service.processes.web_server.accepting import Acceptor
from service.processes.web_server.client_socket import ClientSocket
from service.processes.web_server.connection import After, Awaited, Connection
from service.processes.web_server.ending import Ending
from service.processes.web_server.errors import error_response
from service.processes.web_server.framing import Arrived
from service.processes.web_server.open_connections import OpenConnections
from service.processes.web_server.request_parser import Parser
from service.processes.web_server.stuck_clients import StuckClients
from service.processes.web_server.thread_pool import ThreadPool

STOP_SECONDS: Final = 2.0
"""How long a process that shuts down waits for requests that are being received."""

SILENT_STOP_SECONDS: Final = 0.5
"""The same for clients that have sent nothing of a request yet: it may be under way."""

UPLOADERS: Final = 8
"""One in so many threads may be busy with an upload."""


class EventLoop:
    """The connections of a process, up to `most`, of which one is kept free. When a request has arrived, or the head of
    an upload, its connection is passed to `serve`, in a thread.

    `patience`: seconds for the head of a request, and for progress of its body; `keepalive`: between two requests;
    `siblings`: whether other processes accept connections of the same listeners.
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
        self._configuration, self._threads, self._serve = configuration, threads, serve
        self._patience, self._keepalive = patience, float(configuration.keepalive)
        self._poller = selectors.DefaultSelector()
        self._open = OpenConnections(self._poller, most, max(1, threads.size // UPLOADERS))
        self._idle, self._bodies, self._uploads = self._open.idle, self._open.bodies, self._open.uploads
        self._stuck = StuckClients(threads.size)
        self._stopping = False
        self._ending = Ending(self._open, self._no_longer_than)
        self._acceptor = Acceptor(
            listeners,
            self._poller,
            self._begin,
            count=lambda: self.count,
            room=lambda: self._open.has_room and not self._stopping,
            on_full=self._open.make_room,
            siblings=siblings,
        )
        self._looked = 0.0
        self._calls = PollableMethodQueue()
        self._calls.init()
        self._poller.register(self._calls.fileno(), selectors.EVENT_READ, partial(self._calls.run_callbacks, None))

    @property
    def count(self) -> int:
        """The number of open connections."""
        return self._open.count

    def wake(self) -> None:
        """Make `run_once` return; may be called by a signal handler."""
        self._calls.defer(lambda: None)

    def run_once(self, seconds: float = 1.0) -> None:
        """Handle pending events; if there are none, wait at most this many seconds for one."""
        self._acceptor.watch()
        for key, _ in self._poller.select(seconds):
            key.data()
        if time.monotonic() - self._looked >= min(seconds, self._patience / 4):
            self._looked = time.monotonic()
            for connection in self._idle.expired():
                self._give_up(connection)
            self._uploads.give_up_slow()
            self._stuck.relieve(self._open.in_threads)

    def stop_accepting(self) -> None:
        """Accept no more connections than there are already, and close those that are idle soon."""
        self._stopping = True
        self._acceptor.end()
        self._idle.cap(STOP_SECONDS)
        self._idle.cap(SILENT_STOP_SECONDS, Awaited.NEXT)

    def _begin(self, accepted: Any, address: Any, server: Any) -> None:
        client = ClientSocket(accepted, self._threads, self._patience)
        connection = Connection(client, Parser(self._configuration, client, address), address, server)
        self._wait(connection, Awaited.NEXT, self._patience)
        self._open.add(connection)

    def _receive(self, connection: Connection) -> None:
        """Part of a request may have arrived."""
        if (data := self._open.receive(connection)) is None:
            return
        if not data:
            if connection.awaited is Awaited.BODY:
                self._submit(connection)  # which finds the end
            else:
                self._open.close(connection)
            return
        connection.parser.feed(data)
        self._go_on(connection, progress=connection.client.made_progress(len(data)))

    def _go_on(self, connection: Connection, *, progress: bool = False) -> None:
        """Go on with a connection that may have received something."""
        arrived = connection.parser.arrived
        if arrived is Arrived.WHOLE or (arrived is Arrived.UPLOAD and self._uploads.begin(connection)):
            self._submit(connection)
        elif arrived is Arrived.UPLOAD:
            self._uploads.waiting.append(connection)
            self._wait(connection, Awaited.PLACE, self._patience)
        elif arrived is Arrived.BODY:
            self._bodies.hold(connection)
            self._wait(connection, Awaited.BODY, self._patience, anew=progress)
            if (other := self._bodies.excessive) is not None:
                self._give_up(other)
        elif arrived is Arrived.HEAD:
            self._wait(connection, Awaited.HEAD, self._patience)
        else:
            self._wait(connection, Awaited.NEXT, self._keepalive)

    def _wait(self, connection: Connection, awaited: Awaited, seconds: float, *, anew: bool = False) -> None:
        """Wait for this, if the connection does not wait for it already, or `anew`."""
        if anew or connection not in self._idle or connection.awaited is not awaited:
            self._idle.remove(connection)
            self._idle.add(connection, awaited, self._no_longer_than(seconds), self._receive)

    def _submit(self, connection: Connection) -> None:
        self._idle.remove(connection)
        self._bodies.remove(connection)
        self._open.in_threads.add(connection)
        self._threads.submit(partial(self._in_thread, connection))

    def _in_thread(self, connection: Connection) -> None:
        after = After.ABORT
        try:
            after = self._serve(connection)
        finally:
            self._calls.defer(self._came_back, connection, after)

    def _came_back(self, connection: Connection, after: After) -> None:
        """A thread has finished with the connection."""
        self._open.in_threads.discard(connection)
        self._uploads.end(connection)
        while (next_upload := self._uploads.next()) is not None:
            self._submit(next_upload)
        if after is After.GO_ON:
            self._go_on(connection)
        elif after is After.END:
            self._ending.begin(connection)
        else:
            connection.client.abort()
            self._open.close(connection)

    def _no_longer_than(self, seconds: float) -> float:
        return min(seconds, STOP_SECONDS) if self._stopping else seconds

    def _give_up(self, connection: Connection) -> None:
        """End a connection that has been idle for too long."""
        awaited = connection.awaited
        if awaited in (Awaited.END, Awaited.NEXT):
            self._open.close(connection)
        elif awaited is Awaited.BODY:
            connection.client.give_up()
            self._submit(connection)  # which finds that the rest does not come
        else:
            self._idle.remove(connection)
            self._uploads.end(connection)
            connection.client.offer(error_response(429 if awaited is Awaited.PLACE else 408))
            self._ending.begin(connection)
