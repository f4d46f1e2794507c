"""Accepting connections that several processes wait for: which of them goes first, what the system's errors mean."""

from __future__ import annotations

import errno
import select
import time
from collections.abc import Iterator
from typing import Any, Final

LONGEST_DEFERRAL: Final = 0.0003
"""Seconds; approached by a process with many connections. With HALF_DEFERRED connections a process waits for half. A
sibling wakes within a tenth of it; a longer wait would cost clients that open a connection for every request."""

HALF_DEFERRED: Final = 16

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
