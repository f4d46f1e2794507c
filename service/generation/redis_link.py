"""The cache's connections to Redis, which do not wait for the answer to a write; knows no generations."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol, TypeVar

from redis import ConnectionPool
from redis.exceptions import RedisError, ResponseError

log = logging.getLogger(__name__)

Result = TypeVar("Result")


class Connection(Protocol):
    """What is needed of redis-py's connections, which connect on first use."""

    def send_command(self, *arguments: Any, **options: Any) -> None: ...
    def read_response(self) -> Any: ...
    def disconnect(self) -> None: ...


class RedisLink:
    """GET and SET for any number of threads; each call uses a connection of its own, created by `connect`.

    The answer to a SET is read when its connection is used next, so that no reply waits for a round trip that only
    later requests need; they find the value, since it reaches Redis before they are made. This and the overhead of
    redis-py's client are why redis-py's connections are used directly. Both raise RedisError or OSError.
    """

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._idle: deque[_Line] = deque()

    def get(self, name: str) -> Any:
        """The value as bytes; None without one."""
        return self._use(lambda line: line.get(name))

    def set(self, name: str, value: str | bytes, *, ex: int) -> None:
        """Store the value for `ex` seconds. If Redis refuses it, this is logged later."""
        self._use(lambda line: line.set(name, value, ex))

    def close(self) -> None:
        """Close the idle connections."""
        with suppress(IndexError):  # other threads may take from them meanwhile
            while True:
                self._idle.pop().end()

    def _use(self, command: Callable[[_Line], Result]) -> Result:
        """The command's result. An idle connection may have been closed by the server: then a new one is tried."""
        try:
            line = self._idle.pop()
        except IndexError:
            return self._on(_Line(self._connect()), command)
        try:
            return self._on(line, command)
        except (RedisError, OSError):
            self.close()
            return self._on(_Line(self._connect()), command)

    def _on(self, line: _Line, command: Callable[[_Line], Result]) -> Result:
        try:
            result = command(line)
        except BaseException:
            line.end()  # what it would still receive is unknown
            raise
        self._idle.append(line)
        return result


class _Line:
    """A connection, and whether the answer to a SET has yet to be read."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._owed = False

    def get(self, name: str) -> Any:
        self._connection.send_command("GET", name, check_health=False)
        self._settle()
        return self._connection.read_response()

    def set(self, name: str, value: str | bytes, seconds: int) -> None:
        self._settle()
        self._connection.send_command("SET", name, value, "EX", seconds, check_health=False)
        self._owed = True

    def end(self) -> None:
        self._connection.disconnect()

    def _settle(self) -> None:
        if not self._owed:
            return
        self._owed = False
        try:
            self._connection.read_response()
        except ResponseError as error:
            log.warning("cache: Redis did not keep a value: %s", error)


def link_to(url: str, timeout: float) -> RedisLink:
    """A link to the server at the URL; each answer may take at most `timeout` seconds."""
    pool = ConnectionPool.from_url(url, socket_timeout=timeout, socket_connect_timeout=timeout)
    # Not pool.make_connection: it counts all connections ever made, and refuses more than a hundred.
    return RedisLink(lambda: pool.connection_class(**pool.connection_kwargs))
