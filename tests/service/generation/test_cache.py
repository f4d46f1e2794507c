from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from charrnn.engine.base import Logprobs
from charrnn.sampling import SamplingParams
from charrnn.vocabulary import Vocabulary
from service.generation.cache import GenerationCache, cache_key
from service.generation.logprobs import TextLogprobs
from service.generation.requests import Choice, GenerationRequest
from service.optional_redis import PAUSE_SECONDS

REQUEST = GenerationRequest("letters", prompt="abc")
IDS = np.array([0, 1, 2], np.int32)
KEY = cache_key("digest", IDS, REQUEST)
LETTERS = Vocabulary("abcdef")


def logprobs(n: int, k: int = 1) -> TextLogprobs:
    """Those of n letters, the first of which follows nothing."""
    chosen = np.full(n, -0.5, np.float32)
    chosen[:1] = np.nan
    told = Logprobs(chosen, np.ones((n, k), np.int32), np.full((n, k), -0.25, np.float32))
    return TextLogprobs(LETTERS, np.arange(n, dtype=np.int32) % 6, told)


CHOICES = (
    Choice("def", 7, "length", 3, logprobs(3)),
    Choice("", 8, "stop", 1, logprobs(0)),
    Choice("a", 9, "stop", 1, ids=(4, 2)),
)


def test_choices_come_back_as_they_were(redis: Any) -> None:
    cache = GenerationCache(redis, ttl=60)
    cache.put(KEY, CHOICES)
    assert cache.get(KEY, LETTERS) == CHOICES
    assert list(redis.ttls.values()) == [60]


@pytest.mark.parametrize(
    "other",
    [
        replace(REQUEST, length=201),
        replace(REQUEST, seed=1),
        replace(REQUEST, n=2),
        replace(REQUEST, stop=("x",)),
        replace(REQUEST, echo=True),
        replace(REQUEST, sampling=SamplingParams(temperature=0.5)),
        replace(REQUEST, sampling=SamplingParams(top_k=3)),
        replace(REQUEST, sampling=SamplingParams(logprobs=0)),
        replace(REQUEST, sampling=SamplingParams(presence_penalty=1)),
        replace(REQUEST, sampling=SamplingParams(frequency_penalty=1)),
        replace(REQUEST, sampling=SamplingParams(logit_bias=((1, 1.0),))),
        replace(REQUEST, sampling=SamplingParams(allowed_token_ids=(1,))),
        replace(REQUEST, include_stop=True),
        replace(REQUEST, min_tokens=1),
        replace(REQUEST, with_ids=True),
    ],
)
def test_another_request_has_another_key(other: GenerationRequest) -> None:
    assert cache_key("digest", IDS, other) != KEY


def test_another_version_or_prompt_has_another_key_and_another_name_for_the_same_one_has_not() -> None:
    assert cache_key("other", IDS, REQUEST) != KEY
    assert cache_key("digest", IDS[::-1].copy(), REQUEST) != KEY
    assert cache_key("digest", IDS[:2], REQUEST) != KEY
    assert cache_key("digest", IDS, replace(REQUEST, model="letters@1", prompt=(0, 1, 2))) == KEY


def test_siblings_have_keys_of_their_own() -> None:
    assert len({cache_key("digest", IDS, REQUEST, sibling) for sibling in range(3)} | {KEY}) == 3


def test_redis_gone_is_a_miss_and_is_left_alone_for_a_while(redis: Any) -> None:
    now = 0.0
    cache = GenerationCache(redis, ttl=60, clock=lambda: now)
    cache.put(KEY, CHOICES)
    redis.up = False
    assert cache.get(KEY, LETTERS) is None
    assert not cache.available()
    calls = redis.calls
    cache.put(KEY, CHOICES)
    assert redis.calls == calls
    redis.up, now = True, PAUSE_SECONDS + 0.1
    assert cache.available()
    assert cache.get(KEY, LETTERS) == CHOICES


@pytest.mark.parametrize("entry", ["", "[", "{}", '[{"text": 1}]', "[1]"])
def test_an_entry_that_cannot_be_read_is_a_miss(redis: Any, entry: str) -> None:
    cache = GenerationCache(redis, ttl=60)
    redis.values[KEY] = entry
    assert not cache.get(KEY, LETTERS)
