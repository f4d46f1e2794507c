from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from charrnn.sampling import SamplingParams
from service.generation.cache import PAUSE_SECONDS, GenerationCache, cache_key
from service.generation.requests import Choice, GenerationRequest, TokenLogprobs

REQUEST = GenerationRequest("letters", prompt="abc")
KEY = cache_key("digest", REQUEST)
CHOICES = (Choice("def", 7, "length", 3, (TokenLogprobs("d", None), TokenLogprobs("e", -0.5, (("e", -0.5),)))),)


def test_choices_come_back_as_they_were(redis: Any) -> None:
    cache = GenerationCache(redis, ttl=60)
    cache.put(KEY, CHOICES)
    assert cache.get(KEY) == CHOICES
    assert list(redis.ttls.values()) == [60]


@pytest.mark.parametrize(
    "other",
    [
        replace(REQUEST, prompt="abd"),
        replace(REQUEST, length=201),
        replace(REQUEST, seed=1),
        replace(REQUEST, n=2),
        replace(REQUEST, stop=("x",)),
        replace(REQUEST, echo=True),
        replace(REQUEST, skip_unknown=True),
        replace(REQUEST, sampling=SamplingParams(temperature=0.5)),
        replace(REQUEST, sampling=SamplingParams(top_k=3)),
        replace(REQUEST, sampling=SamplingParams(logprobs=0)),
    ],
)
def test_another_request_has_another_key(other: GenerationRequest) -> None:
    assert cache_key("digest", other) != KEY


def test_another_version_has_another_key_and_another_name_for_the_same_one_has_not() -> None:
    assert cache_key("other", REQUEST) != KEY
    assert cache_key("digest", replace(REQUEST, model="letters@1")) == KEY


def test_redis_gone_is_a_miss_and_is_left_alone_for_a_while(redis: Any) -> None:
    now = 0.0
    cache = GenerationCache(redis, ttl=60, clock=lambda: now)
    cache.put(KEY, CHOICES)
    redis.up = False
    assert cache.get(KEY) is None
    assert not cache.available()
    calls = redis.calls
    cache.put(KEY, CHOICES)
    assert redis.calls == calls
    redis.up, now = True, PAUSE_SECONDS + 0.1
    assert cache.available()
    assert cache.get(KEY) == CHOICES


@pytest.mark.parametrize("entry", ["", "[", "{}", '[{"text": 1}]', "[1]"])
def test_an_entry_that_cannot_be_read_is_a_miss(redis: Any, entry: str) -> None:
    cache = GenerationCache(redis, ttl=60)
    redis.values[KEY] = entry
    assert not cache.get(KEY)
