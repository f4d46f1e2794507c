"""A text after a long prompt is the same whether the prompt was read for it, for an earlier one, or in part."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.engine.base import Output, Sequence
from charrnn.engine.cpu.batch import CpuBatch, CpuEngine
from charrnn.engine.steering import Held
from charrnn.sampling import SamplingParams
from charrnn.vocabulary import Vocabulary
from charrnn.words import WordVocabulary
from service.generation.cache import GenerationCache
from service.generation.continuations.continuation import Continuation
from service.generation.generator import TextGenerator
from service.generation.observer import GenerationObserver
from service.generation.prefix_states import SPACING, PrefixStates
from service.generation.prompt_reader import FEWEST
from service.generation.requests import Generation, GenerationRequest
from service.generation.resident import ResidentModels
from service.generation.scheduling.scheduler import Scheduler
from tests.charrnn.engine.engines import BUILD
from tests.laws import examples
from tests.networks import random_network
from tests.service.conftest import MemoryRedis, MemoryStore
from tests.service.generation.record_models import arranged, less_likely_to_end

WORDS: Final = WordVocabulary(("a", "b", "\n", " ", "ab"))
NETWORKS: Final = {
    "text": random_network(Vocabulary("\nab"), "lstm", 20, 2),
    "words": random_network(WORDS, "gru", 9),
    "records": less_likely_to_end(random_network(Vocabulary("ab"), "rnn", 9, arrangement=arranged("generate"))),
}
BASES: Final = tuple("".join(Random(seed).choices("ab", k=3000)) for seed in (1, 2))


class Counting(GenerationObserver):
    """How many tokens of long prompts there were, and how many of them were known."""

    def __init__(self) -> None:
        self.counted: list[tuple[int, int]] = []

    def prompt_read(self, tokens: int, cached: int) -> None:
        self.counted.append((tokens, cached))


class MeteredEngine(CpuEngine):
    """Counts the ids that its batches are to read; fails after some steps, once, if it is told so."""

    read = 0
    fails_after: int | None = None

    def batch(self, capacity: int) -> CpuBatch:
        return MeteredBatch(self, capacity)


class MeteredBatch(CpuBatch):
    def __init__(self, engine: MeteredEngine, capacity: int) -> None:
        super().__init__(engine, capacity)
        self._engine = engine

    def add(self, sequence: Sequence) -> int:
        self._engine.read += sequence.prompt.size
        return super().add(sequence)

    def step(self, steps: int) -> list[Output]:
        if self._engine.fails_after is not None:
            self._engine.fails_after -= steps
            if self._engine.fails_after < 0:
                self._engine.fails_after = None
                raise ArithmeticError("the engine fails")
        return super().step(steps)


class Process:
    """One of several that share a Redis."""

    def __init__(self, redis: MemoryRedis, most_bytes: int = 1 << 20, build: Any = MeteredEngine) -> None:
        store = MemoryStore()
        for name, network in NETWORKS.items():
            store.put(name, network)
        self.scheduler = Scheduler(max_active=8, max_waiting=8)
        self.scheduler.start()
        self.models = ResidentModels(store, build)
        self.observer = Counting()
        texts = MemoryRedis()
        texts.up = False
        self.generator = TextGenerator(
            self.models,
            GenerationCache(texts, 60),
            self.scheduler,
            observer=self.observer,
            prefix_states=PrefixStates(redis, 60, most_bytes),
        )

    def read(self, request: GenerationRequest) -> tuple[Generation, int]:
        """The result, and how many ids were read for it."""
        engine = self.models.get(request.model).engine
        assert isinstance(engine, MeteredEngine)
        before = engine.read
        made = self.generator.generate(request)
        return made, engine.read - before


class Processes:
    """Two of them, of which one has little memory."""

    def __init__(self) -> None:
        self.redis = MemoryRedis()
        self.all = [Process(self.redis), Process(self.redis, most_bytes=5000)]


@pytest.fixture(scope="module")
def processes() -> Iterator[Processes]:
    made = Processes()
    yield made
    for each in made.all:
        each.scheduler.close()


@pytest.fixture
def process() -> Iterator[Process]:
    made = Process(MemoryRedis())
    yield made
    made.scheduler.close()


def ask(prompt: str, **fields: Any) -> GenerationRequest:
    request = GenerationRequest(**{"model": "text", "prompt": prompt, "length": 20, "seed": 7, **fields})
    return replace(request, prompt=" ".join(prompt)) if request.model == "words" else request


def plainly(request: GenerationRequest) -> GenerationRequest:
    """The same without anything that is kept; a single choice then reads its prompt itself."""
    return replace(request, read_cache=False, write_cache=False)


cuts = st.sampled_from([0, 1, SPACING, FEWEST, FEWEST + 1, 6 * SPACING, 3000]) | st.integers(0, 3000)
prompts = st.builds(
    lambda first, at, second, to: BASES[first][:at] + BASES[second][at:to],
    st.integers(0, 1),
    cuts,
    st.integers(0, 1),
    cuts,
)
samplings = st.builds(
    lambda temperature, penalty, presence: SamplingParams(
        temperature=temperature, repetition_penalty=penalty, presence_penalty=presence
    ),
    st.sampled_from([0.0, 1.0]),
    st.sampled_from([1.0, 1.5]),
    st.sampled_from([0.0, 0.7]),
)
requests = st.builds(
    ask,
    prompts,
    model=st.sampled_from(list(NETWORKS)),
    seed=st.integers(0, 1 << 60),
    sampling=samplings,
    n=st.sampled_from([1, 1, 3]),
    echo=st.booleans(),
    stop=st.sampled_from([(), ("ab",)]),
    held=st.sampled_from([(), (Held(0, 3, "hidden", 0.9),)]),
)


@examples(15)
@given(st.lists(st.tuples(requests, st.integers(0, 1), st.booleans(), st.booleans()), min_size=1, max_size=6))
def test_every_text_is_the_one_without_what_is_kept(
    processes: Processes, asked: list[tuple[GenerationRequest, int, bool, bool]]
) -> None:
    for plain, number, continues, scores in asked:
        generator = processes.all[number].generator
        sampling = replace(plain.sampling, logprobs=2 if scores else None)
        request = replace(plain, sampling=sampling, start=begun(generator, plain.model) if continues else None)
        made = generator.generate(request)
        for choice in made.choices:
            (alone,) = generator.generate(plainly(replace(request, n=1, seed=choice.seed))).choices
            assert alone == choice
        assert 0 <= made.cached_prompt_tokens <= made.prompt_tokens


def begun(generator: TextGenerator, model: str) -> Continuation | None:
    """The end of a short text; of none if it is a record that has ended, which no prompt can follow."""
    (choice,) = generator.generate(ask("", model=model, length=5, with_continuation=True)).choices
    return None if choice.finish_reason == "end" else choice.continuation


@pytest.mark.parametrize("engine", BUILD)
def test_every_engine_pauses_where_prefixes_end(engine: str) -> None:
    process = Process(MemoryRedis(), build=BUILD[engine])
    request = ask(BASES[0][: FEWEST + 10], length=5)
    first, again = process.generator.generate(request), process.generator.generate(replace(request, seed=8))
    plain = process.generator.generate(plainly(request)), process.generator.generate(plainly(replace(request, seed=8)))
    process.scheduler.close()
    assert (first.choices, again.choices) == (plain[0].choices, plain[1].choices)
    assert (first.cached_prompt_tokens, again.cached_prompt_tokens) == (0, FEWEST)


def test_a_long_prompt_is_read_once(process: Process) -> None:
    prompt = BASES[0]
    first, read = process.read(ask(prompt))
    assert (first.cached_prompt_tokens, read) == (0, 3000)
    for seed in range(3):
        again, read = process.read(ask(prompt, seed=seed))
        assert (again.cached_prompt_tokens, read) == (2816, 3000 - 2816)
    assert process.observer.counted == [(3000, 0), *[(3000, 2816)] * 3]


def test_choices_share_the_reading(process: Process) -> None:
    made, read = process.read(ask(BASES[0], n=8, read_cache=False, write_cache=False))
    assert (made.cached_prompt_tokens, read) == (0, 2816 + 8 * (3000 - 2816))
    assert len({choice.text for choice in made.choices}) == 8


def test_the_state_at_a_stop_text_is_found_without_reading_the_prompt_again(process: Process) -> None:
    asked = ask(BASES[0], stop=("a", "b", "\n"), with_continuation=True, read_cache=False, write_cache=False)
    made, read = process.read(asked)
    assert made.completion_tokens == 1 and made.choices[0].continuation is not None
    assert read <= 2816 + 2 * (3000 - 2816)


def test_a_growing_prompt_and_one_with_a_common_beginning_are_read_from_where_they_differ(process: Process) -> None:
    process.read(ask(BASES[0][:2000]))
    grown, _ = process.read(ask(BASES[0]))
    assert grown.cached_prompt_tokens == 2000 // SPACING * SPACING
    common, _ = process.read(ask(BASES[0][:1500] + BASES[1]))
    assert common.cached_prompt_tokens == 1500 // SPACING * SPACING


def test_other_processes_read_on_too_and_a_restarted_one(process: Process) -> None:
    redis = MemoryRedis()
    for cached in (0, 2816, 2816):
        fresh = Process(redis)
        assert fresh.read(ask(BASES[0]))[0].cached_prompt_tokens == cached
        fresh.scheduler.close()
    redis.up = False
    fresh = Process(redis)
    assert [fresh.read(ask(BASES[0], seed=seed))[0].cached_prompt_tokens for seed in (1, 2)] == [0, 2816]
    fresh.scheduler.close()


def test_short_prompts_and_scored_ones_are_not_looked_up(process: Process) -> None:
    scored = ask(BASES[0], echo=True, sampling=SamplingParams(logprobs=0))
    for request in (ask(BASES[0][: FEWEST - 1]), scored, plainly(ask(BASES[0]))):
        for _ in range(2):
            made, read = process.read(request)
            assert (made.cached_prompt_tokens, read) == (0, made.prompt_tokens)
    assert process.observer.counted == []


def test_a_label_comes_before_a_prompt(process: Process) -> None:
    made = [process.read(ask(BASES[0][:2000], model="records", seed=seed))[0] for seed in (1, 2)]
    assert [each.cached_prompt_tokens for each in made] == [0, 1792 - 1]  # a prefix has the record's start


def test_the_same_prompt_at_the_same_time_is_read_once(process: Process) -> None:
    engine = process.models.get("text").engine
    assert isinstance(engine, MeteredEngine)
    before, together = engine.read, threading.Barrier(6)

    def generate(seed: int) -> None:
        together.wait()
        process.generator.generate(ask(BASES[0], seed=seed))

    threads = [threading.Thread(target=generate, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert engine.read - before == 2816 + 6 * (3000 - 2816)


def test_a_stream_and_several_prompts_of_one_request_too(process: Process) -> None:
    asked = [ask(BASES[0]), ask(BASES[0], seed=8), ask("a"), ask(BASES[1])]
    made = process.generator.generate_all(asked)
    assert [each.cached_prompt_tokens for each in made] == [0, 0, 0, 0]
    streamed = process.generator.stream_all(asked)
    texts = [""] * 4
    for news in streamed.pieces:
        if news is not None:
            texts[news[0]] += news[1].text
    assert texts == [each.choices[0].text for each in made]
    assert [head.cached_prompt_tokens for head in streamed.heads] == [2816, 2816, 0, 2816]


def test_what_was_read_of_a_prompt_before_a_failure_is_kept(process: Process) -> None:
    engine = process.models.get("text").engine
    assert isinstance(engine, MeteredEngine)
    engine.fails_after = 1000
    with pytest.raises(ArithmeticError):
        process.generator.generate(ask(BASES[0]))
    assert process.generator.generate(ask(BASES[0])).cached_prompt_tokens == 768
