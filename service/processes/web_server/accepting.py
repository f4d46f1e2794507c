"""Accepting connections that several processes wait for: which of them goes first, what the system's errors mean."""

from __future__ import annotations

import errno
import select
import selectors
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final

LONGEST_DEFERRAL: Final = 0.0003
"""Seconds; approached by a process with many connections. With HALF_DEFERRED connections a process waits for half. A
sibling wakes within a tenth of it; a longer wait would cost clients that open a connection for every request."""

HALF_DEFERRED: Final = 16

SHARE: Final = 8
"""A process takes one in so many of the connections that wait to be accepted, and leaves the others to its siblings."""

MOST_AT_ONCE: Final = 64
"""So many are accepted before the process looks at the connections that it has: a few milliseconds' work."""

FULL: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
"""The errors of accept(2) for a lack of descriptors or memory."""

LOST: Final = frozenset(
    {errno.EAGAIN, errno.ECONNABORTED, errno.ECONNRESET, errno.EPERM, errno.EPROTO, errno.ENOPROTOOPT, errno.EOPNOTSUPP}
    | {errno.ENETDOWN, errno.ENETUNREACH, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ETIMEDOUT}
)
"""The errors of accept(2) for a connection that another process accepted or that was aborted: it reports the network's
errors of a new connection as its own."""


class FullError(Exception):
    """The system has no room for another connection."""


class Acceptor:
    """Accepts connections while there is `room` for another. `begin` gets the socket of each, the client's address and
    the listener's; `on_full` is called when the system has no room.

    `count` says how many connections the process has; `siblings`: whether other processes accept some as well.
    """

    def __init__(
        self,
        listeners: Sequence[Any],
        poller: selectors.BaseSelector,
        begin: Callable[[Any, Any, Any], None],
        *,
        count: Callable[[], int],
        room: Callable[[], bool],
        on_full: Callable[[], None],
        siblings: bool,
    ) -> None:
        self._poller, self._begin = poller, begin
        # Asked once: each call of the system may cost a turn of the interpreter while other threads compute.
        self._listeners = {listener: listener.getsockname() for listener in listeners}
        self._count, self._room, self._on_full, self._siblings = count, room, on_full, siblings
        self._watched = self._full = False

    def watch(self) -> None:
        """Let the poller report new connections, if there is room for one."""
        self._watch(self._room() and not self._full)
        self._full = False

    def end(self) -> None:
        """Accept those that are there already. Who connects later is refused, rather than reset when the process has
        ended."""
        self._watch(False)
        for listener in self._listeners:
            with suppress(FullError, OSError):
                for accepted, address in accept_rest(listener):
                    self._begin(accepted, address, self._listeners[listener])
            listener.close()

    def _watch(self, wanted: bool) -> None:
        if wanted == self._watched:
            return
        self._watched = wanted
        for listener in self._listeners:
            if wanted:
                listener.setblocking(False)
                self._poller.register(listener, selectors.EVENT_READ, partial(self._accept, listener))
            else:
                self._poller.unregister(listener)

    def _accept(self, listener: Any) -> None:
        if self._siblings:
            defer(self._count())
        for _ in range(share(waiting(listener))):
            try:
                found = accept(listener)
            except FullError:
                self._on_full()
                self._full = True  # until another event: retrying at once would be a busy loop
                return
            if found is None:
                return
            self._begin(*found, self._listeners[listener])
            if not self._room():
                return


def accept(listener: Any) -> tuple[Any, Any] | None:
    """The socket and the address of a connection that is there, None if it no longer is. Raises FullError, and OSError
    when the listener itself has failed."""
    try:
        accepted: tuple[Any, Any] = listener.accept()
    except OSError as error:
        if error.errno in FULL:
            raise FullError from error
        if error.errno in LOST:
            return None
        raise
    return accepted


def accept_rest(listener: Any) -> Iterator[tuple[Any, Any]]:
    """The connections that are there, before the listener is closed, which would reset those that no process has
    accepted. Raises what `accept` raises."""
    while select.select([listener], [], [], 0)[0]:
        if (found := accept(listener)) is not None:
            yield found


def waiting(listener: Any) -> int:
    """How many connections wait to be accepted; 0 where the system does not say it."""
    if sys.platform != "linux":
        return 0
    try:
        about = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 28)
    except OSError:
        return 0
    return int.from_bytes(about[24:28], sys.byteorder)  # tcpi_unacked of <linux/tcp.h>


def share(count: int) -> int:
    """How many of so many waiting connections a process accepts before it lets its siblings take some."""
    return min(max(1, count // SHARE), MOST_AT_ONCE)


def defer(connections: int) -> None:
    """Leave the next connection to a process that has fewer than this one's `connections`, if there is one.

    The system wakes all processes that wait for a connection, and the first one to run gets it: of connections opened
    at once, one process would accept all before another has woken. If each waits for the longer the more it has, the
    one with the fewest is first, without knowing of the others; and nothing is lost where they are busy or gone.
    """
    if connections:
        time.sleep(deferral(connections))


def deferral(connections: int) -> float:
    """For how many seconds a process that has so many connections waits before it accepts another."""
    return LONGEST_DEFERRAL * connections / (connections + HALF_DEFERRED)
