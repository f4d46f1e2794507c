"""Results kept in Redis: a cache that is never needed, so that Redis gone is a miss and a line in the log."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable
from dataclasses import asdict, fields
from operator import attrgetter
from typing import Any, Final, Protocol

from redis.exceptions import RedisError

from charrnn.sampling import SamplingParams
from charrnn.vocabulary import Ids
from service.generation.requests import Choice, GenerationRequest, TokenLogprobs

log = logging.getLogger(__name__)

KEY_PREFIX: Final = "charrnn:generation:2:"
PAUSE_SECONDS: Final = 2.0
"""After a failure Redis is left alone for this long, so that a dead one costs no request its time-out."""

_LEFT_OUT: Final = frozenset({"model", "prompt", "skip_unknown", "sampling", "read_cache", "write_cache", "timeout"})
_ASKED: Final = attrgetter(*(f.name for f in fields(GenerationRequest) if f.name not in _LEFT_OUT))
_PLAIN: Final = tuple(f.name for f in fields(Choice) if f.name != "logprobs")
_SAMPLED: Final = attrgetter(*(f.name for f in fields(SamplingParams) if f.name != "seed"))


class RedisClient(Protocol):
    """What the cache asks of a Redis client."""

    def get(self, name: str) -> Any: ...
    def set(self, name: str, value: str, *, ex: int) -> Any: ...


class GenerationCache:
    """Choices by the keys that `cache_key` makes; entries live `ttl` seconds."""

    def __init__(self, client: RedisClient, ttl: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._ttl = ttl
        self._clock = clock
        self._paused_until = float("-inf")

    def available(self) -> bool:
        """Whether the latest use of Redis went well, or was too long ago to tell."""
        return self._clock() >= self._paused_until

    def get(self, key: str) -> tuple[Choice, ...] | None:
        """The choices of an identical earlier request."""
        raw = self._attempt(lambda: self._client.get(key))
        if raw is None:
            return None
        try:
            return _decode(raw)
        except (ValueError, KeyError, TypeError):
            log.warning("cache: an entry could not be read and counts as a miss")
            return None

    def put(self, key: str, choices: tuple[Choice, ...]) -> None:
        """Keep the choices for identical requests to come."""
        text = json.dumps([_encoded(choice) for choice in choices])
        self._attempt(lambda: self._client.set(key, text, ex=self._ttl))

    def _attempt(self, use: Callable[[], Any]) -> Any:
        if not self.available():
            return None
        try:
            return use()
        except (RedisError, OSError) as error:
            self._paused_until = self._clock() + PAUSE_SECONDS
            log.warning("cache: Redis is not available (%s); going on without it", type(error).__name__)
            return None


def cache_key(digest: str, prompt: Ids, request: GenerationRequest, sibling: int = 0) -> str:
    """Names everything that the choices depend on: of the prompt its ids, however they were given; the seed as it was
    asked for (or not); and without a seed, how many of the same stand before this one in one request."""
    asked = repr((digest, prompt.size, sibling, _ASKED(request), _SAMPLED(request.sampling)))
    named = hashlib.sha256(asked.encode("utf-8", "surrogatepass"))
    named.update(prompt.tobytes())
    return KEY_PREFIX + named.hexdigest()


def _encoded(choice: Choice) -> dict[str, Any]:
    logprobs = None if choice.logprobs is None else [asdict(token) for token in choice.logprobs]
    return {**{field: getattr(choice, field) for field in _PLAIN}, "logprobs": logprobs}


def _decode(raw: str | bytes) -> tuple[Choice, ...]:
    return tuple(Choice(**{**choice, "logprobs": _logprobs(choice["logprobs"])}) for choice in json.loads(raw))


def _logprobs(raw: list[dict[str, Any]] | None) -> tuple[TokenLogprobs, ...] | None:
    if raw is None:
        return None
    return tuple(
        TokenLogprobs(token["token"], token["logprob"], tuple((t, p) for t, p in token["top"])) for token in raw
    )
