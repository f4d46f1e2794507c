"""Streams of records: each candidate is the text of its seed, in order, whatever else is going on."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import pytest

from charrnn.engine.cpu.batch import CpuEngine
from charrnn.fingerprints import fingerprints
from charrnn.novelty import KnownTexts
from charrnn.sampling import SamplingParams
from charrnn.tasks.arrangement import Arrangement
from charrnn.vocabulary import Vocabulary
from service.generation.cache import GenerationCache
from service.generation.cancellation import Client
from service.generation.errors import BusyError, ClientGoneError, ClosedError, DeadlineError, NoKnownTextsError
from service.generation.generator import TextGenerator
from service.generation.observer import GenerationObserver
from service.generation.records.generator import MAX_STREAMS, RecordGenerator
from service.generation.records.request import GeneratedRecords, RecordsRequest
from service.generation.records.stream import PATIENCE
from service.generation.requests import GenerationRequest
from service.generation.resident import ResidentModels
from service.generation.scheduling.scheduler import Scheduler
from tests.networks import random_network
from tests.service.conftest import LETTERS, CountingEngine, MemoryRedis, MemoryStore

RECORDS = Arrangement("generate", "line", "\n")
SECONDS = 10


class Counted(GenerationObserver):
    tokens = 0

    def generated(self, tokens: int) -> None:
        self.tokens += tokens


@pytest.fixture
def store() -> MemoryStore:
    memory = MemoryStore()
    memory.put("names", random_network(Vocabulary(LETTERS), "gru", 6, arrangement=RECORDS))
    return memory


@pytest.fixture
def models(store: MemoryStore) -> ResidentModels:
    return ResidentModels(store, CpuEngine)


@pytest.fixture
def counted() -> Counted:
    return Counted()


TRAINED_ON = {*LETTERS, *(a + b for a in LETTERS[:3] for b in LETTERS)}


def known(_: str, version: int) -> KnownTexts | None:
    made = KnownTexts.room_for(len(TRAINED_ON))
    made.add(fingerprints(sorted(TRAINED_ON)))
    return made if version == 1 else None


@pytest.fixture
def generator(models: ResidentModels, scheduler: Scheduler, counted: Counted) -> RecordGenerator:
    return RecordGenerator(models, scheduler, known, observer=counted)


def request(count: int, **fields: Any) -> RecordsRequest:
    return RecordsRequest("names", count, **{"seed": 5, "length": 40, **fields})


class Record(NamedTuple):
    text: str
    seed: int
    ended: bool


def all_of(stream: Iterable[GeneratedRecords]) -> list[Record]:
    return [
        Record(text, seed, place not in records.cut_off)
        for records in stream
        for place, (text, seed) in enumerate(zip(records.texts, records.seeds, strict=True))
    ]


@pytest.mark.parametrize(
    "fields", [{}, {"prompt": "ab"}, {"offset": 1000, "sampling": SamplingParams(temperature=0.5)}]
)
def test_candidates_are_texts_of_their_seeds(
    generator: RecordGenerator, models: ResidentModels, scheduler: Scheduler, redis: MemoryRedis, fields: dict[str, Any]
) -> None:
    stream = generator.stream(request(300, **fields))
    records = all_of(stream)
    assert (len(records), stream.count, stream.tried, stream.exhausted) == (300, 300, 300, False)
    first = 5 + fields.get("offset", 0)
    assert [record.seed for record in records] == list(range(first, first + 300))
    texts = TextGenerator(models, GenerationCache(redis, ttl=9), scheduler)
    for record in records[::60]:
        sampling, prompt = fields.get("sampling", SamplingParams()), fields.get("prompt", "")
        asked = GenerationRequest("names", prompt, 40, record.seed, sampling, echo=True)
        (choice,) = texts.generate(asked).choices
        assert (choice.text, choice.finish_reason == "end") == (record.text, record.ended)


def test_what_is_refused_is_passed_over(generator: RecordGenerator) -> None:
    expected: dict[str, Record] = {}
    for candidate in all_of(generator.stream(request(400))):
        if candidate.text not in TRAINED_ON:
            expected.setdefault(candidate.text, candidate)
    stream = generator.stream(request(100, unique=True, novel=True))
    records = all_of(stream)
    assert records == list(expected.values())[:100]
    assert stream.tried == records[-1].seed - 5 + 1


def test_it_ends_when_too_many_in_a_row_are_refused(generator: RecordGenerator) -> None:
    stream = generator.stream(request(1000, unique=True, sampling=SamplingParams(allowed_token_ids=(0, 26))))
    records = all_of(stream)
    assert len({record.text for record in records}) == len(records) == stream.count < 100
    assert stream.exhausted and stream.tried == records[-1].seed - 5 + 1 + PATIENCE


def test_tokens_are_counted_as_they_are_generated(generator: RecordGenerator, counted: Counted) -> None:
    stream = generator.stream(request(50))
    first = all_of([next(iter(stream))])
    assert counted.tokens >= sum(len(record.text) + record.ended for record in first) > 0


def test_novel_needs_the_known_texts(store: MemoryStore, generator: RecordGenerator) -> None:
    store.put("names", random_network(Vocabulary(LETTERS), "gru", 6, arrangement=RECORDS))
    with pytest.raises(NoKnownTextsError, match="names version 2 was trained on"):
        generator.stream(request(1, novel=True))


def test_streams_beyond_the_bound_are_refused_until_one_ends(generator: RecordGenerator) -> None:
    streams = [generator.stream(request(5)) for _ in range(MAX_STREAMS)]
    with pytest.raises(BusyError, match=f"{MAX_STREAMS} streams of records"):
        generator.stream(request(5))
    all_of(streams[0])
    streams.append(generator.stream(request(5)))
    with pytest.raises(BusyError):
        generator.stream(request(5))
    for stream in streams:
        stream.close()
        stream.close()
    all_of(generator.stream(request(5)))


def test_nothing_is_generated_before_it_is_asked_for(
    store: MemoryStore, engine: CountingEngine, scheduler: Scheduler
) -> None:
    engine.size = 27
    calls: list[None] = []
    engine.gate = lambda: calls.append(None)
    models = ResidentModels(store, lambda _: engine)
    stream = RecordGenerator(models, scheduler, known).stream(request(1000))
    records = iter(stream)
    for _ in range(3):
        before = len(calls)
        next(records)
        assert before < len(calls) < 100 and stream.count < 1000
    stream.close()


@pytest.fixture
def blocked(engine: CountingEngine, scheduler: Scheduler) -> Iterator[threading.Event]:
    """The scheduler is busy until the event is set."""
    entered, opened = threading.Event(), threading.Event()

    def slow() -> None:
        entered.set()
        opened.wait(SECONDS)

    thread = threading.Thread(target=lambda: scheduler.submit_slice(slow))
    thread.start()
    entered.wait(SECONDS)
    yield opened
    opened.set()
    thread.join()


def test_a_client_that_is_gone_and_a_time_that_is_over_end_it(
    models: ResidentModels, scheduler: Scheduler, blocked: threading.Event
) -> None:
    generator = RecordGenerator(models, scheduler, known, timeout=0.1)
    with pytest.raises(DeadlineError, match=r"0.1 s"):
        all_of(generator.stream(request(5)))
    with pytest.raises(ClientGoneError):
        all_of(generator.stream(request(5), Client(is_connected=lambda: False)))
    blocked.set()
    assert len(all_of(generator.stream(request(5)))) == 5, "each of many has its place again"


def test_the_time_limit_begins_anew_with_each_slice(models: ResidentModels, scheduler: Scheduler) -> None:
    stream = RecordGenerator(models, scheduler, known, timeout=0.05).stream(request(100_000), Client(asked_at=-1000.0))
    assert next(iter(stream))
    stream.close()


def test_the_end_of_the_process_ends_it(generator: RecordGenerator, scheduler: Scheduler) -> None:
    stream = generator.stream(request(100_000))
    records = iter(stream)
    next(records)
    scheduler.give_up()
    with pytest.raises(ClosedError, match="shutting down"):
        next(records)
