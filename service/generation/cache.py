"""The cache of results in Redis. It is optional: without Redis every look-up is a miss, which is logged."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import time
from collections.abc import Callable
from dataclasses import fields
from operator import attrgetter
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
from redis.exceptions import RedisError

from charrnn.engine.base import Logprobs
from charrnn.sampling import SamplingParams
from charrnn.vocabulary import Ids, Vocabulary
from service.generation.logprobs import TextLogprobs
from service.generation.requests import Choice, GenerationRequest
from service.optional_redis import OptionalRedis

log = logging.getLogger(__name__)

KEY_PREFIX: Final = "charrnn:generation:2:"
LARGEST_BYTES: Final = 1 << 20
"""Larger results are not cached: this is enough for the 20 likeliest ids at some 6,000 tokens."""

_LEFT_OUT: Final = frozenset({"model", "prompt", "skip_unknown", "sampling", "read_cache", "write_cache", "timeout"})
_ASKED: Final = attrgetter(*(f.name for f in fields(GenerationRequest) if f.name not in _LEFT_OUT))
_PLAIN: Final = tuple(f.name for f in fields(Choice) if f.name not in ("logprobs", "continuation"))
_SAMPLED: Final = attrgetter(*(f.name for f in fields(SamplingParams) if f.name != "seed"))


class RedisClient(Protocol):
    """What the cache needs of a Redis client."""

    def get(self, name: str) -> Any: ...
    def set(self, name: str, value: str, *, ex: int) -> Any: ...


class GenerationCache:
    """Choices by the keys that `cache_key` makes; entries live `ttl` seconds."""

    def __init__(self, client: RedisClient, ttl: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._ttl = ttl
        self._redis = OptionalRedis("cache", "continuing without it", (RedisError, OSError), clock)

    def available(self) -> bool:
        """Whether Redis is used: it did not fail within the last seconds."""
        return self._redis.available()

    def get(self, key: str, vocabulary: Vocabulary) -> tuple[Choice, ...] | None:
        """The choices of an identical earlier request, whose version has this vocabulary."""
        raw = self._redis.attempt(lambda: self._client.get(key))
        if raw is None:
            return None
        try:
            return tuple(_decoded(choice, vocabulary) for choice in json.loads(raw))
        except (ValueError, KeyError, TypeError):
            log.warning("cache: an entry could not be read and counts as a miss")
            return None

    def put(self, key: str, choices: tuple[Choice, ...]) -> None:
        """Keep the choices for later identical requests, unless they are larger than LARGEST_BYTES: such an entry would
        displace many small ones."""
        if _size(choices) > LARGEST_BYTES:
            return
        text = json.dumps([_encoded(choice) for choice in choices])
        self._redis.attempt(lambda: self._client.set(key, text, ex=self._ttl))


def cache_key(digest: str, prompt: Ids, request: GenerationRequest, sibling: int = 0) -> str:
    """A key made of everything that the choices depend on: the prompt's ids, however they were given; the seed, if any;
    and without a seed, how many identical requests precede this one in the same call."""
    asked = repr((digest, prompt.size, sibling, _ASKED(request), _SAMPLED(request.sampling)))
    named = hashlib.sha256(asked.encode("utf-8", "surrogatepass"))
    named.update(prompt.tobytes())
    return KEY_PREFIX + named.hexdigest()


def _encoded(choice: Choice) -> dict[str, Any]:
    found = choice.logprobs
    logprobs = None if found is None else {name: _written(array) for name, array in _arrays(found)}
    return {**{field: getattr(choice, field) for field in _PLAIN}, "logprobs": logprobs}


def _decoded(raw: dict[str, Any], vocabulary: Vocabulary) -> Choice:
    logprobs = None if raw["logprobs"] is None else _logprobs(raw["logprobs"], vocabulary)
    ids = None if raw["ids"] is None else tuple(raw["ids"])
    return Choice(**{**raw, "logprobs": logprobs, "ids": ids})


def _arrays(found: TextLogprobs) -> list[tuple[str, npt.NDArray[Any]]]:
    logprobs = found.logprobs
    return [("ids", found.ids), ("chosen", logprobs.chosen), ("top_ids", logprobs.top_ids), ("top", logprobs.top)]


def _written(array: npt.NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(array).data).decode()


def _logprobs(raw: dict[str, str], vocabulary: Vocabulary) -> TextLogprobs:
    ids, top_ids = (np.frombuffer(base64.b64decode(raw[name]), np.int32) for name in ("ids", "top_ids"))
    chosen, top = (np.frombuffer(base64.b64decode(raw[name]), np.float32) for name in ("chosen", "top"))
    if len(chosen) != len(ids) or any(np.any((each < 0) | (each >= len(vocabulary))) for each in (ids, top_ids)):
        raise ValueError("not the logarithms of this vocabulary's tokens")
    shape = (len(ids), len(top) // max(1, len(ids)))
    return TextLogprobs(vocabulary, ids, Logprobs(chosen, top_ids.reshape(shape), top.reshape(shape)))


def _size(choices: tuple[Choice, ...]) -> int:
    """About how many bytes an entry would have."""
    arrays = sum(choice.logprobs.nbytes for choice in choices if choice.logprobs is not None)
    return arrays + sum(len(choice.text) + 4 * len(choice.ids or ()) for choice in choices)
