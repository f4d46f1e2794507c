"""Clients for the server that a URL names, connected on first use; with Sentinels they follow the primary."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from redis import ConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.connection import Connection, SSLConnection, UnixDomainSocketConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry
from redis.sentinel import (
    Sentinel,
    SentinelConnectionPool,
    SentinelManagedConnection,
    SentinelManagedSSLConnection,
)

from service.redis_servers.urls import RedisUrl, parse


def pool(url: str, connect_seconds: float, answer_seconds: float, retries: int = 0) -> ConnectionPool:
    """Connections to the server. Connecting may take `connect_seconds`, each answer `answer_seconds`, and as much again
    for each Sentinel that is asked for the primary. What fails for want of a connection is tried `retries` times more,
    at once. Raises RedisUrlError."""
    found = parse(url)
    bounds: dict[str, Any] = {"socket_connect_timeout": connect_seconds, "socket_timeout": answer_seconds}
    retry = Retry(NoBackoff(), retries, supported_errors=(RedisConnectionError,))
    options = {**bounds, "retry": retry, **found.options}
    if not found.sentinels:
        return ConnectionPool(connection_class=_kind(found), **options)
    once = Retry(NoBackoff(), 0, supported_errors=(RedisConnectionError,))  # the next one is asked, not the same again
    asked = {**bounds, "retry": once, "ssl": found.has_tls, **found.sentinel_options}
    kind = SentinelManagedSSLConnection if found.has_tls else SentinelManagedConnection
    sentinels = _Sentinels(found.sentinels, sentinel_kwargs=asked)  # type: ignore[no-untyped-call]
    return SentinelConnectionPool(found.service, sentinels, connection_class=kind, **options)  # type: ignore[no-untyped-call]


def client(url: str, connect_seconds: float, answer_seconds: float, retries: int = 0) -> Redis:
    """A client; arguments and errors as for `pool`."""
    return Redis.from_pool(pool(url, connect_seconds, answer_seconds, retries))


def connector(url: str, seconds: float) -> Callable[[], Connection]:
    """Makes connections that no pool counts: ConnectionPool.make_connection counts all that were ever made, and refuses
    more than a hundred. Each call connects, within `seconds` as for `pool`, and raises RedisError or OSError."""
    of = pool(url, seconds, seconds)

    def connected() -> Connection:
        connection: Connection = of.connection_class(**of.connection_kwargs)
        connection.connect()  # type: ignore[no-untyped-call]  # only this asks a Sentinel for the address
        return connection

    return connected


class _Sentinels(Sentinel):
    """They are asked seldom, when a connection is made: no connection to them is kept, which would not be closed."""

    def discover_master(self, service_name: str) -> tuple[str, int]:
        try:
            address: tuple[str, int] = super().discover_master(service_name)  # type: ignore[no-untyped-call]
            return address
        finally:
            for each in self.sentinels:
                each.connection_pool.disconnect(inuse_connections=False)


def _kind(found: RedisUrl) -> type:
    if "path" in found.options:
        return UnixDomainSocketConnection
    return SSLConnection if found.has_tls else Connection
