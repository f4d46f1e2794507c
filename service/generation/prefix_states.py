"""The states after prefixes of long prompts, kept in this process and in Redis, so that a prompt that begins like an
earlier one is read only from where it differs (vLLM's prefix caching). Both are optional: without a state the prompt is
read."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from redis.exceptions import RedisError

from charrnn.config import ModelConfig
from charrnn.engine.base import State
from charrnn.engine.state_bytes import packed, unpacked
from charrnn.vocabulary import Ids
from service.generation.sealed_values import DIGEST_BYTES, sealed, unsealed
from service.redis_servers.optional import OptionalRedis

log = logging.getLogger(__name__)

KEY_PREFIX: Final = "charrnn:prefix:1:"
SPACING: Final = 256
"""Prefixes end at multiples of so many ids: reading those after the last one takes less than a millisecond or two."""
FEWEST_IN_REDIS: Final = 2
"""How many prefixes must be unknown in this process for Redis to be asked: its answer takes as long as reading some
hundred ids."""

_ENTRY_BYTES: Final = 256
"""About what an entry takes besides its state."""
_SIGNIFICANT_BITS: Final = 4


class StatesClient(Protocol):
    """What is needed of a Redis client."""

    def mget(self, names: Sequence[str]) -> Sequence[Any]: ...
    def set_all(self, values: Mapping[str, bytes], *, ex: int) -> Any: ...


def prefix_keys(version: tuple[str, str], start: bytes, ids: Ids) -> list[str]:
    """The keys of the prefixes of `ids` that end at each multiple of SPACING, the shortest first: equal keys stand for
    equal states. `version` is its digest and the engine's precision, `start` the packed state that the ids follow,
    empty for none."""
    hashed = hashlib.sha256(repr((*version, hashlib.sha256(start).hexdigest())).encode())
    data = ids.astype("<i4").tobytes()
    keys, size = [], SPACING * 4
    for end in range(size, len(data) + 1, size):
        hashed.update(data[end - size : end])
        keys.append(KEY_PREFIX + hashed.hexdigest())  # of all so far; more may follow
    return keys


def kept_prefixes(known: int, count: int) -> list[int]:
    """Which of a prompt's `count` prefixes are kept, by number from 1 on, if the first `known` need not be read.

    The last one, at which a longer prompt goes on, and those whose number has few significant bits: of what two prompts
    have in common, the longest of them covers seven eighths, however long it is, and their number grows with the
    logarithm of the prompt's length.
    """
    return [n for n in range(known + 1, count + 1) if n == count or _is_round(n)]


class PrefixStates:
    """States by the keys of `prefix_keys`: in this process at most `most_bytes` of them, the least recently used
    dropped first; through `client` for all processes, for `ttl` seconds. Any number of threads may use it."""

    def __init__(
        self,
        client: StatesClient | None = None,
        ttl: int = 1,
        most_bytes: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._ttl = ttl
        self._most_bytes = most_bytes
        self._redis = OptionalRedis("states of prompts", "continuing without it", (RedisError, OSError), clock)
        self._lock = threading.Lock()
        self._here: OrderedDict[str, bytes] = OrderedDict()
        self.bytes = 0
        """How much memory the states in this process take, about."""

    def longest(self, keys: Sequence[str], config: ModelConfig) -> tuple[int, State | None]:
        """How many prefixes the longest one with a known state has, and that state; 0 and None if none is known."""
        known, data = self._longest_here(keys)
        for number, theirs in reversed(list(enumerate(self._in_redis(keys[known:]), known + 1))):
            key = keys[number - 1]
            state = None if theirs is None else _opened(key, theirs, config)
            if state is not None:
                self._keep_here({key: theirs[DIGEST_BYTES:]})
                return number, state
        return known, None if data is None else unpacked(data, config)

    def keep(self, states: Mapping[str, State]) -> None:
        """Keep the states for later prompts."""
        data = {key: packed(state) for key, state in states.items()}
        self._keep_here(data)
        client = self._client
        if client is not None and data:
            values = {key: sealed(key, each) for key, each in data.items()}
            self._redis.attempt(lambda: client.set_all(values, ex=self._ttl))

    def _longest_here(self, keys: Sequence[str]) -> tuple[int, bytes | None]:
        with self._lock:
            for number in range(len(keys), 0, -1):
                data = self._here.get(keys[number - 1])
                if data is not None:
                    self._here.move_to_end(keys[number - 1])
                    return number, data
        return 0, None

    def _in_redis(self, keys: Sequence[str]) -> Sequence[Any]:
        client = self._client
        if client is None or len(keys) < FEWEST_IN_REDIS:
            return ()
        return self._redis.attempt(lambda: client.mget(keys)) or ()

    def _keep_here(self, data: Mapping[str, bytes]) -> None:
        with self._lock:
            for key, each in data.items():
                self.bytes += _size(each) - _size(self._here.pop(key, None))
                self._here[key] = each
            while self.bytes > self._most_bytes:
                self.bytes -= _size(self._here.popitem(last=False)[1])


def _is_round(number: int) -> bool:
    return number % (1 << max(0, number.bit_length() - _SIGNIFICANT_BITS)) == 0


def _size(data: bytes | None) -> int:
    return 0 if data is None else len(data) + _ENTRY_BYTES


def _opened(key: str, data: bytes, config: ModelConfig) -> State | None:
    """The state of an entry in Redis; None if it is not one that was kept under this key."""
    try:
        return unpacked(unsealed(key, data), config)
    except ValueError as error:
        log.warning("states of prompts: an entry in Redis could not be read and counts as missing: %s", error)
        return None
