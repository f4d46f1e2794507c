"""Sees that one cluster uses a store: machines that share both a store and a Redis. Two Redis servers on one store, or
two stores with one Redis, are mistakes of configuration; each is seen and refused.

Redis has an id of its own data, and the store an object with the id of the Redis that its cluster uses, which one of
the cluster's machines renews. Another id there that is renewed is another cluster's; one that is not renewed for
90 seconds, by this machine's clock, is that of a Redis that was replaced or has lost its data, and is taken over from.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, Protocol

from pydantic import TypeAdapter, ValidationError
from redis.exceptions import RedisError
from typing_extensions import TypedDict

from durable.objects import (
    ObjectChangedError,
    ObjectExistsError,
    ObjectMissingError,
    Objects,
    StoreUnavailableError,
)

KEY: Final = "cluster.json"
STORE: Final = "charrnn:cluster:store"
"""In Redis: the store that its cluster uses."""
OWN: Final = "charrnn:cluster:redis"
"""In Redis: a random id, which the data of this Redis have for as long as they live."""
RENEWED: Final = "charrnn:cluster:renewed"
"""In Redis, for RENEW_SECONDS: the object was renewed."""

RENEW_SECONDS: Final = 30
QUIET_SECONDS: Final = 90
"""A cluster that has not renewed the object for so long is gone."""


class OtherClusterError(StoreUnavailableError):
    """The store is another cluster's, or may be; the message says what to set."""


class Redis(Protocol):
    """What is used of a Redis client."""

    def get(self, name: str) -> Any: ...
    def set(self, name: str, value: str, *, ex: int | None = None, nx: bool = False) -> Any: ...
    def delete(self, name: str) -> Any: ...


class _Presence(TypedDict):
    """The id of the cluster's Redis; how often the object was written, with a nonce, because contents are compared."""

    redis: str
    counter: int
    nonce: str


_SHAPE: Final = TypeAdapter(_Presence)


class Cluster:
    """This machine's look at the cluster of the store `objects`; `store` returns that store's id, and is asked once."""

    def __init__(
        self, objects: Objects, store: Callable[[], str], redis: Redis, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._objects, self._store, self._redis, self._clock = objects, store, redis, clock
        self._seen: tuple[_Presence, float] | None = None
        """What another Redis's cluster had put there, and when this machine saw it first."""
        self._id = ""
        self._is_member = False
        self._is_other_alive = False

    def refresh(self) -> bool:
        """Look, and renew if it is time; returns False. To be called every RENEW_SECONDS or so by one process of each
        machine. While Redis is away nothing is known, and nothing refused. Raises OtherClusterError, OSError."""
        try:
            own = self._own()
            if own is not None:
                self._compare(own)
        except RedisError:
            return False
        return False

    def _own(self) -> str | None:
        """The id of this Redis's data. Raises OtherClusterError if it is used with another store."""
        self._id = self._id or self._store()
        self._redis.set(STORE, self._id, nx=True)
        self._redis.set(OWN, secrets.token_hex(8), nx=True)
        store, own = _text(self._redis.get(STORE)), _text(self._redis.get(OWN))
        if store is not None and store != self._id:
            raise OtherClusterError(
                f"REDIS_URL names the Redis of the cluster of store {store}, and STORE_URL the store {self._id}:"
                " each cluster needs a Redis of its own"
            )
        return own

    def _compare(self, own: str) -> None:
        try:
            found = self._objects.get(KEY)
            presence = _SHAPE.validate_json(found.data, strict=True)
        except ObjectMissingError:
            with suppress(ObjectExistsError):  # the next look says by whom
                self._objects.put_new(KEY, _content(own, 1))
            return
        except ValidationError:
            presence = {"redis": "", "counter": 0, "nonce": ""}
        if presence["redis"] == own:
            self._is_member, self._is_other_alive, self._seen = True, False, None
            if self._redis.set(RENEWED, "1", nx=True, ex=RENEW_SECONDS):
                self._renew(own, presence, found.etag)
        elif self._is_quiet(presence):
            self._put(own, presence, found.etag)
        elif self._is_other_alive or not self._is_member:
            raise OtherClusterError(
                "the store is used by a cluster with another Redis"
                if self._is_other_alive
                else f"a cluster with another Redis has used the store: in {QUIET_SECONDS} seconds it is seen whether"
                " it still does; all machines need the same REDIS_URL"
            )

    def _is_quiet(self, presence: _Presence) -> bool:
        """Whether the other cluster has not renewed the object for long."""
        if self._seen is None or self._seen[0] != presence:
            self._is_other_alive = self._seen is not None and self._seen[0]["redis"] == presence["redis"]
            self._seen = (presence, self._clock())
        return self._clock() - self._seen[1] >= QUIET_SECONDS

    def _renew(self, own: str, before: _Presence, etag: str) -> None:
        """A store that takes no writes is tried again at the next look, of whichever machine: each says so."""
        try:
            self._put(own, before, etag)
        except StoreUnavailableError:
            self._redis.delete(RENEWED)
            raise

    def _put(self, own: str, before: _Presence, etag: str) -> None:
        with suppress(ObjectChangedError):  # the next look says by whom
            self._objects.swap(KEY, _content(own, before["counter"] + 1), etag)


def _content(redis: str, counter: int) -> bytes:
    return json.dumps({"redis": redis, "counter": counter, "nonce": secrets.token_hex(8)}).encode()


def _text(value: Any) -> str | None:
    return value.decode() if isinstance(value, bytes) else value
