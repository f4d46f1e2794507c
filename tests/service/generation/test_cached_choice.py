"""Whatever lengths of a text are asked for through one cache, each is what it is without one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.config import ModelConfig
from charrnn.engine.base import Logprobs, Output, State
from charrnn.engine.state_bytes import packed
from service.generation.cached_choice import LARGEST_BYTES, CachedChoice, Recording
from service.generation.generator import TextGenerator
from service.generation.logprobs import TextLogprobs
from service.generation.requests import Choice, GenerationRequest
from tests.laws import examples
from tests.service.conftest import MemoryRedis
from tests.service.generation.replicas import NETWORKS, Replicas, kinds, requests

CONFIG = ModelConfig(5, "rnn", 1)
NO_IDS = np.empty(0, np.int32)
STATE = packed(State(np.zeros((1, 1, 1), np.float32), 3, 4, NO_IDS, np.empty(0, np.bool_)))
IDS = np.array([3, 1, 4, 1], np.int32)
CACHED = CachedChoice(7, IDS, state=STATE)


@pytest.fixture(scope="module")
def replicas() -> Iterator[Replicas]:
    made = Replicas(MemoryRedis())
    yield made
    for scheduler in made.schedulers.values():
        scheduler.close()


def streamed(generator: TextGenerator, request: GenerationRequest, model: str) -> tuple[tuple[Choice, ...], int]:
    """The choices, put together from their pieces, and how many tokens were cached."""
    stream = generator.stream(request)
    (head,) = stream.heads
    of_each = [
        [each[1] for each in taken if each[0] == at]
        for taken in [[*filter(None, stream.pieces)]]
        for at in range(request.n)
    ]
    choices = []
    for seed, pieces in zip(head.seeds, of_each, strict=True):
        last = pieces[-1]
        assert last.finish_reason is not None
        found = [(each.logprobs.ids, each.logprobs.logprobs) for each in pieces if each.logprobs is not None]
        logprobs = TextLogprobs.joined(NETWORKS[model].vocabulary, found) if found else None
        ids = tuple(id_ for each in pieces for id_ in each.ids or ()) if request.with_ids else None
        text, tokens = "".join(each.text for each in pieces), last.tokens.stop
        choices.append(Choice(text, seed, last.finish_reason, tokens, logprobs, ids, last.continuation))
    return tuple(choices), head.cached_tokens


whats = st.tuples(st.integers(0, 40) | st.sampled_from([300]), st.booleans(), st.booleans(), st.booleans())


@examples(10)
@given(
    requests,
    st.booleans(),
    st.booleans(),
    st.sampled_from([None, None, 0, 2]),
    st.sampled_from([1, 1, 3]),
    kinds,
    st.lists(whats, min_size=2, max_size=5),
)
def test_any_lengths_asked_through_one_cache_are_what_they_are_without_one(
    replicas: Replicas,
    request: GenerationRequest,
    seeded: bool,
    echo: bool,
    logprobs: int | None,
    n: int,
    kinds: tuple[str, ...],
    whats: list[tuple[int, bool, bool, bool]],
) -> None:
    assert replicas.redis is not None
    replicas.redis.values.clear()
    prompt = request.prompt[:1] if request.model == "words" else request.prompt
    sampling = replace(request.sampling, logprobs=logprobs)
    request = replace(request, prompt=prompt, sampling=sampling, echo=echo, n=n)
    asked = request if seeded else replace(request, seed=None)
    longest, seeds = 0, set()
    for at, (asked_length, streams, with_ids, with_continuation) in enumerate(whats):
        length = max(asked_length, 0 if echo else 1)
        generator = replicas.replica(kinds[at % len(kinds)])
        each = replace(asked, length=length, with_ids=with_ids, with_continuation=with_continuation)
        if streams:
            choices, cached_tokens = streamed(generator, each, request.model)
        else:
            made = generator.generate(each)
            choices, cached_tokens = made.choices, made.cached_tokens
            assert not made.cached or cached_tokens == sum(choice.completion_tokens for choice in choices)
        seeds.add(choices[0].seed)
        alone = replace(each, seed=choices[0].seed, read_cache=False, write_cache=False)
        assert choices == generator.generate(alone).choices
        tokens = [choice.completion_tokens for choice in choices]
        if length <= longest and not with_continuation:
            assert cached_tokens == sum(tokens)
        elif length > longest and not with_continuation:
            assert cached_tokens == sum(min(longest, count) for count in tokens)
        longest = max(longest, length)
    assert len(seeds) == 1


@pytest.mark.parametrize(
    ("length", "ids", "whole"), [(2, [3, 1], True), (4, [3, 1, 4, 1], True), (9, [3, 1, 4, 1], False)]
)
def test_a_choice_is_cut_or_goes_on(length: int, ids: list[int], whole: bool) -> None:
    beginning = CACHED.beginning(GenerationRequest("m", length=length), CONFIG)
    assert (beginning.choice.ids.tolist(), beginning.is_whole) == (ids, whole)
    assert (beginning.state is None) == whole
    if beginning.state is not None:
        assert (beginning.state.last_id, beginning.state.position) == (3, 4)


@pytest.mark.parametrize(
    ("choice", "length", "wanted"),
    [(CACHED, 2, True), (replace(CACHED, state=None), 9, False), (replace(CACHED, state=None, final=True), 9, True)],
)
def test_only_the_seed_is_of_use_where_a_state_is_needed_that_is_not_known(
    choice: CachedChoice, length: int, wanted: bool
) -> None:
    request = GenerationRequest("m", length=length, with_continuation=wanted)
    beginning = choice.beginning(request, CONFIG)
    assert (beginning.choice.ids.size, beginning.is_whole, beginning.state) == (0, False, None)
    assert beginning.choice.seed == 7


def test_a_final_choice_is_whole_at_any_length_and_cut_it_is_not_final() -> None:
    final = replace(CACHED, final=True, state=None)
    assert final.beginning(GenerationRequest("m", length=9), CONFIG).is_whole
    cut = final.beginning(GenerationRequest("m", length=3), CONFIG)
    assert (cut.choice.ids.size, cut.choice.final, cut.is_whole) == (3, False, True)


def test_a_state_of_another_network_is_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        CACHED.beginning(GenerationRequest("m", length=9), ModelConfig(5, "rnn", 2))


def test_only_a_longer_choice_replaces_another_or_one_with_a_state_or_another_seed() -> None:
    longer, shorter = replace(CACHED, ids=np.append(IDS, IDS)), replace(CACHED, ids=IDS[:2])
    stateless, other = replace(CACHED, state=None), replace(shorter, seed=8)
    assert CACHED.extended(longer) is longer
    assert longer.extended(CACHED) is longer
    assert CACHED.extended(shorter) is CACHED
    assert CACHED.extended(replace(CACHED)) is CACHED
    assert stateless.extended(CACHED) is CACHED
    assert CACHED.extended(stateless) is CACHED
    assert CACHED.extended(other) is other


def test_a_recording_keeps_what_counts_after_the_beginning() -> None:
    beginning = CACHED.beginning(GenerationRequest("m", length=9), CONFIG)
    recording = Recording(beginning)
    recording.add(Output(0, np.array([2, 0, 2], np.int32), done=False))
    choice = recording.choice(7, 6, STATE, final=True)
    assert choice is not None
    assert (choice.ids.tolist(), choice.final, choice.state) == ([3, 1, 4, 1, 2, 0], True, STATE)


def test_a_recording_that_becomes_too_large_is_dropped() -> None:
    recording = Recording(None)
    top = np.zeros((1000, 20), np.float32)
    large = Logprobs(top[:, 0], top.astype(np.int32), top)
    most = LARGEST_BYTES // (1000 * (1 + 41 * 4))
    dropped = []
    for _ in range(most + 1):
        recording.add(Output(0, np.zeros(1000, np.int32), done=False, logprobs=large))
        dropped.append(recording.is_too_large)
    assert dropped == [False] * most + [True]
    assert recording.choice(7, 5, None, final=False) is None
