from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from charrnn.checkpoint import Checkpoint
from charrnn.engine.base import State
from charrnn.engine.state_bytes import packed
from charrnn.sampling import SamplingParams
from charrnn.vocabulary import Vocabulary
from service.generation.cache import GenerationCache, cache_key, reply_key
from service.generation.cache_entry import written
from service.generation.cached_choice import CachedChoice, Entry
from service.generation.requests import GenerationRequest
from service.generation.resident import ResidentModel
from service.generation.sealed_values import sealed
from service.redis_servers.optional import PAUSE_SECONDS
from tests.service.conftest import LETTERS, CountingEngine

REQUEST = GenerationRequest("letters", prompt="abc", length=3)
IDS = np.array([0, 1, 2], np.int32)


def state(shape: tuple[int, int, int] = (1, 1, 1)) -> bytes:
    return packed(State(np.zeros(shape, np.float32), 5, 3, IDS[:0], np.empty(0, np.bool_)))


def entry(*ids: int, seed: int = 7, packed_state: bytes | None = None) -> Entry:
    return (CachedChoice(seed, np.array(ids, np.int32), state=packed_state or state()),)


ENTRY = entry(3, 4, 5)


@pytest.fixture
def model(new_checkpoint: Callable[..., Checkpoint], engine: CountingEngine) -> ResidentModel:
    checkpoint = new_checkpoint()
    return ResidentModel("letters", 1, "digest", checkpoint.config, checkpoint.vocabulary, engine)


@pytest.fixture
def key(model: ResidentModel) -> str:
    return cache_key(model, IDS, REQUEST)


@pytest.fixture
def cache(redis: Any) -> GenerationCache:
    return GenerationCache(redis, ttl=60)


def length_in(cache: GenerationCache, key: str, model: ResidentModel) -> int | None:
    found = cache.get(key, REQUEST, model)
    return None if found is None else found.entry[0].ids.size


def test_an_entry_comes_back_with_what_the_request_begins_with(
    cache: GenerationCache, redis: Any, key: str, model: ResidentModel
) -> None:
    cache.put(key, ENTRY, model)
    found = cache.get(key, replace(REQUEST, length=2), model)
    assert found is not None
    assert [each.ids.tolist() for each in found.entry] == [[3, 4, 5]]
    assert [(each.choice.ids.tolist(), each.is_whole) for each in found.beginnings] == [([3, 4], True)]
    assert list(redis.ttls.values()) == [60]


@pytest.mark.parametrize(
    "other",
    [
        replace(REQUEST, seed=1),
        replace(REQUEST, n=2),
        replace(REQUEST, stop=("x",)),
        replace(REQUEST, echo=True),
        replace(REQUEST, label="x"),
        replace(REQUEST, sampling=SamplingParams(temperature=0.5)),
        replace(REQUEST, sampling=SamplingParams(top_k=3)),
        replace(REQUEST, sampling=SamplingParams(logprobs=0)),
        replace(REQUEST, sampling=SamplingParams(presence_penalty=1)),
        replace(REQUEST, sampling=SamplingParams(frequency_penalty=1)),
        replace(REQUEST, sampling=SamplingParams(logit_bias=((1, 1.0),))),
        replace(REQUEST, sampling=SamplingParams(allowed_token_ids=(1,))),
        replace(REQUEST, include_stop=True),
        replace(REQUEST, min_tokens=1),
    ],
)
def test_another_request_has_another_key(other: GenerationRequest, key: str, model: ResidentModel) -> None:
    assert cache_key(model, IDS, other) != key


@pytest.mark.parametrize(
    "other",
    [replace(REQUEST, length=4), replace(REQUEST, with_ids=True), replace(REQUEST, with_continuation=True)],
)
def test_what_an_entry_holds_anyway_is_not_in_its_key_but_in_the_replys(
    other: GenerationRequest, key: str, model: ResidentModel
) -> None:
    assert cache_key(model, IDS, other) == key
    assert reply_key(key, other) != reply_key(key, REQUEST)


def test_another_version_precision_or_prompt_has_another_key_and_another_name_for_the_same_one_has_not(
    key: str, model: ResidentModel
) -> None:
    assert cache_key(replace(model, digest="other"), IDS, REQUEST) != key
    assert cache_key(model, IDS[::-1].copy(), REQUEST) != key
    assert cache_key(model, IDS[:2], REQUEST) != key
    assert cache_key(replace(model, name="other"), IDS, replace(REQUEST, model="letters@1", prompt=(0, 1, 2))) == key
    other = CountingEngine()
    other.precision = "other"
    assert cache_key(replace(model, engine=other), IDS, REQUEST) != key


def test_siblings_have_keys_of_their_own(key: str, model: ResidentModel) -> None:
    assert len({cache_key(model, IDS, REQUEST, sibling) for sibling in range(3)} | {key}) == 3


def test_redis_gone_is_a_miss_and_is_left_alone_for_a_while(redis: Any, key: str, model: ResidentModel) -> None:
    now = 0.0
    cache = GenerationCache(redis, ttl=60, clock=lambda: now)
    cache.put(key, ENTRY, model)
    redis.up = False
    assert cache.get(key, REQUEST, model) is None
    assert cache.fault() == "Redis is not available"
    calls = redis.calls
    cache.put(key, ENTRY, model)
    assert redis.calls == calls
    redis.up, now = True, PAUSE_SECONDS + 0.1
    assert cache.fault() == ""
    redis.full = True
    assert cache.fault() == "Redis does not keep new values"
    assert length_in(cache, key, model) == 3


def test_an_entry_is_replaced_only_by_a_longer_one(cache: GenerationCache, key: str, model: ResidentModel) -> None:
    cache.put(key, ENTRY, model)
    cache.put(key, entry(3), model, earlier=ENTRY)
    assert length_in(cache, key, model) == 3
    cache.put(key, entry(3, 4, 5, 6), model, earlier=ENTRY)
    assert length_in(cache, key, model) == 4
    cache.put(key, entry(1, seed=8), model)
    assert length_in(cache, key, model) == 1


def test_of_several_choices_each_stays_that_is_longer(cache: GenerationCache, key: str, model: ResidentModel) -> None:
    two = replace(REQUEST, n=2)
    earlier = entry(1, 2, 3) + entry(4, seed=8)
    cache.put(key, entry(1) + entry(4, 5, seed=8), model, earlier)
    found = cache.get(key, two, model)
    assert found is not None
    assert [each.ids.tolist() for each in found.entry] == [[1, 2, 3], [4, 5]]


def test_an_entry_that_cannot_be_used_is_a_miss_and_is_logged(
    cache: GenerationCache, redis: Any, key: str, model: ResidentModel, caplog: pytest.LogCaptureFixture
) -> None:
    cache.put(key, ENTRY, model)
    whole = redis.values[key]
    damaged = whole[:-1] + bytes([whole[-1] ^ 1])
    outside = written(entry(25, 26), Vocabulary(LETTERS + "~"))
    shape = written(entry(3, packed_state=state((1, 1, 2))), model.vocabulary)
    two = written(ENTRY * 2, model.vocabulary)
    unfit = [sealed(key, each) for each in (outside, shape, two) if each is not None]
    assert len(unfit) == 3
    for count, value in enumerate([b"", b"[", whole[:-1], damaged, sealed("another", whole), *unfit], 1):
        redis.values[key] = value
        assert cache.get(key, REQUEST, model) is None
        assert caplog.text.count("could not be read and counts as a miss") == count
