"""The cache of results in Redis. It is optional: without Redis every look-up is a miss, which is logged."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, Final, Protocol

from redis.exceptions import RedisError

from charrnn.sampling import SamplingParams
from charrnn.vocabulary import Ids
from service.generation.cache_entry import read, written
from service.generation.cached_choice import Beginning, Entry
from service.generation.requests import GenerationRequest
from service.generation.resident import ResidentModel
from service.generation.sealed_values import sealed, unsealed
from service.redis_servers.optional import OptionalRedis

log = logging.getLogger(__name__)

KEY_PREFIX: Final = "charrnn:generation:4:"
"""To be changed with what entries hold, or with what a text is for given parameters."""

_NOT_IN_ENTRIES: Final = frozenset({"length", "with_ids", "with_continuation"})
"""Whatever these are, an entry holds enough, or can be extended; but a text that fits a pattern depends on its length:
what is left of it decides what may be chosen."""
_LEFT_OUT: Final = frozenset(
    {"model", "prompt", "skip_unknown", "sampling", "cache_scope", "read_cache", "write_cache", "timeout"}
)
_ASKED: Final = attrgetter(*(f.name for f in fields(GenerationRequest) if f.name not in _LEFT_OUT | _NOT_IN_ENTRIES))
_SAMPLED: Final = attrgetter(*(f.name for f in fields(SamplingParams) if f.name != "seed"))


class RedisClient(Protocol):
    """What the cache needs of a Redis client."""

    def get(self, name: str) -> Any: ...
    def set(self, name: str, value: bytes, *, ex: int) -> Any: ...
    def keeps(self) -> bool: ...


@dataclass(frozen=True, eq=False, slots=True)
class Found:
    """An entry, and what each choice of a request begins with of it."""

    entry: Entry
    beginnings: tuple[Beginning, ...]

    @property
    def is_whole(self) -> bool:
        """Whether it is all of each choice."""
        return all(each.is_whole for each in self.beginnings)


class GenerationCache:
    """Entries by the keys that `cache_key` makes; they live `ttl` seconds."""

    def __init__(self, client: RedisClient, ttl: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._ttl = ttl
        self._redis = OptionalRedis("cache", "continuing without it", (RedisError, OSError), clock)

    def fault(self) -> str:
        """What has been wrong with Redis within the last seconds; empty: nothing."""
        if fault := self._redis.fault():
            return fault
        return "" if self._client.keeps() else "Redis does not keep new values"

    def get(self, key: str, request: GenerationRequest, model: ResidentModel) -> Found | None:
        """What there is for the request, which the model is to answer."""
        raw = self._redis.attempt(lambda: self._client.get(key))
        if raw is None:
            return None
        try:
            entry = read(unsealed(key, raw), model.vocabulary)
            if len(entry) != request.n:
                raise ValueError(f"it has {len(entry)} choices")
            return Found(entry, tuple([choice.beginning(request, model.config) for choice in entry]))
        except ValueError as error:
            log.warning("cache: an entry could not be read and counts as a miss: %s", error)
            return None

    def put(self, key: str, entry: Entry, model: ResidentModel, earlier: Entry | None = None) -> None:
        """Keep the choices for later requests for the same, unless they are too large or the `earlier` ones, which are
        cached, are as long."""
        if earlier is not None:
            entry = tuple(old.extended(new) for old, new in zip(earlier, entry, strict=True))
            if all(old is new for old, new in zip(earlier, entry, strict=True)):
                return
        data = written(entry, model.vocabulary)
        if data is not None:
            self._redis.attempt(lambda: self._client.set(key, sealed(key, data), ex=self._ttl))


def cache_key(model: ResidentModel, prompt: Ids, request: GenerationRequest, sibling: int = 0) -> str:
    """A key made of everything that the choices depend on, whatever their length unless they are to fit a pattern: the
    version and the numbers that it computes with; the prompt's ids, however they were given; the seed, if any; and
    without a seed, how many identical requests precede this one in the same call, and the scope, if any."""
    asked = (model.digest, model.engine.precision, prompt.size, sibling, _ASKED(request), _SAMPLED(request.sampling))
    scope = request.cache_scope if request.seed is None else ""
    length = "" if request.pattern is None else f" {request.length} "
    named = hashlib.sha256(f"{asked!r}{length}{scope}".encode("utf-8", "surrogatepass"))
    named.update(prompt.tobytes())
    return KEY_PREFIX + named.hexdigest()


def reply_key(key: str, request: GenerationRequest) -> str:
    """A key made of everything that the reply depends on, from that of its entry."""
    return f"{key} {request.length} {request.with_ids} {request.with_continuation}"
