"""The cache's connections to Redis, which do not wait for the answer to a write; knows no generations."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, Protocol, TypeVar

from redis.exceptions import RedisError, ResponseError

from service.redis_servers.clients import connector

log = logging.getLogger(__name__)

REMEMBERED_SECONDS: Final = 10.0
"""How long a refusal counts, unless Redis keeps a value meanwhile."""

Result = TypeVar("Result")


class Connection(Protocol):
    """What is needed of redis-py's connections."""

    def pack_commands(self, commands: Iterable[Sequence[Any]]) -> list[bytes]: ...
    def send_packed_command(self, command: list[bytes], check_health: bool = True) -> None: ...
    def send_command(self, *arguments: Any, **options: Any) -> None: ...
    def read_response(self) -> Any: ...
    def disconnect(self) -> None: ...


class RedisLink:
    """GET, MGET and SET for any number of threads; each call uses a connection of its own, created by `connect`.

    The answer to a SET is read when its connection is used next, so that no reply waits for a round trip that only
    later requests need; they find the value, since it reaches Redis before they are made. This and the overhead of
    redis-py's client are why redis-py's connections are used directly. All raise RedisError or OSError.
    """

    def __init__(self, connect: Callable[[], Connection], clock: Callable[[], float] = time.monotonic) -> None:
        self._connect = connect
        self._clock = clock
        self._idle: deque[_Line] = deque()
        self._refused = float("-inf")

    def keeps(self) -> bool:
        """Whether Redis has not refused a value lately, as it does when its memory is full."""
        return self._clock() - self._refused >= REMEMBERED_SECONDS

    def get(self, name: str) -> Any:
        """The value as bytes; None without one."""
        return self._use(lambda line: line.ask("GET", name))

    def mget(self, names: Sequence[str]) -> Any:
        """The values as bytes, None where there is none."""
        return self._use(lambda line: line.ask("MGET", *names))

    def set(self, name: str, value: str | bytes, *, ex: int) -> None:
        """Store the value for `ex` seconds. If Redis refuses it, this is logged later."""
        self._use(lambda line: line.set({name: value}, ex))

    def set_all(self, values: Mapping[str, str | bytes], *, ex: int) -> None:
        """Store several."""
        self._use(lambda line: line.set(values, ex))

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
            return self._on(self._line(), command)
        try:
            return self._on(line, command)
        except (RedisError, OSError):
            self.close()
            return self._on(self._line(), command)

    def _line(self) -> _Line:
        return _Line(self._connect(), self._answered)

    def _answered(self, refusal: ResponseError | None) -> None:
        """Remember the answer to a SET; only the first of several refusals is logged."""
        if refusal is None:
            self._refused = float("-inf")
            return
        if self.keeps():
            log.warning("cache: Redis did not keep a value: %s", refusal)
        self._refused = self._clock()

    def _on(self, line: _Line, command: Callable[[_Line], Result]) -> Result:
        try:
            result = command(line)
        except BaseException:
            line.end()  # what it would still receive is unknown
            raise
        self._idle.append(line)
        return result


class _Line:
    """A connection, and how many answers to SETs have yet to be read; `answered` gets each: None, or a refusal."""

    def __init__(self, connection: Connection, answered: Callable[[ResponseError | None], None]) -> None:
        self._connection = connection
        self._answered = answered
        self._owed = 0

    def ask(self, *command: str) -> Any:
        self._connection.send_command(*command, check_health=False)
        self._settle()
        return self._connection.read_response()

    def set(self, values: Mapping[str, str | bytes], seconds: int) -> None:
        self._settle()
        commands = [("SET", name, value, "EX", seconds) for name, value in values.items()]
        self._connection.send_packed_command(self._connection.pack_commands(commands), check_health=False)
        self._owed = len(commands)

    def end(self) -> None:
        self._connection.disconnect()

    def _settle(self) -> None:
        while self._owed:
            self._owed -= 1
            try:
                self._connection.read_response()
            except ResponseError as error:
                self._answered(error)
            else:
                self._answered(None)


def link_to(url: str, timeout: float) -> RedisLink:
    """A link to the server at the URL; each answer may take at most `timeout` seconds. Raises RedisUrlError."""
    return RedisLink(connector(url, timeout))
