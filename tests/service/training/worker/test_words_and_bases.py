"""Jobs on words, and jobs that go on from a published version: run for real, on a network of 8 units."""

from collections.abc import Callable
from dataclasses import replace
from threading import Event

import numpy as np
import pytest

from charrnn.engine.base import Engine, Sequence
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.engine.gpu.reference import ReferenceEngine
from charrnn.sampling import SamplingParams
from charrnn.training.result import NEVER
from charrnn.vocabulary import Vocabulary
from charrnn.words import MAX_WORDS, WordVocabulary
from model_store import ModelStore
from service.training.corpora.ids import ids
from service.training.corpora.store import CorpusStore
from service.training.errors import JobRequestError
from service.training.jobs.job import Job
from service.training.jobs.requests import JobRequest
from service.training.jobs.store import JobStore
from tests.service.training.runners import job_runner

NEVER_STOP = Event()
SMALL = {"hidden_size": 8, "batch_size": 2, "segment_length": 8}
WORDS = ("the quick brown fox jumps over the lazy dog\n" * 3 + "it's 10 o'clock, isn't it?\n") * 20
NAMES = " ".join(
    f"{a}{b}{c}{d}" for a in "bcdfgklmnp" for b in "aeiou" for c in "rstvxyzqwh" for d in "abcdefghijklmnopqrstu"
)


@pytest.fixture
def run(jobs: JobStore, corpora: CorpusStore, models: ModelStore) -> Callable[..., Job]:
    """Trains a text to the end of its job."""

    def run(text: str, model: str = "m", steps: int = 20, **fields: object) -> Job:
        corpus, _ = corpora.add([text.encode()])
        values = {"corpus": corpus.id, "model": model, "budget": {"steps": steps}, **SMALL, **fields}
        job = jobs.create(JobRequest.from_dict(values))
        assert job_runner(jobs, corpora, models).run(job.id, NEVER_STOP) == "ended"
        return jobs.get(job.id)

    return run


def generated(engine: Engine, vocabulary: Vocabulary, length: int, **sampling: float) -> list[int]:
    batch = engine.batch(8)
    for seed in range(8):
        params = SamplingParams(seed=seed, **sampling)  # type: ignore[arg-type]
        batch.add(Sequence(np.array([vocabulary.start_id], np.int32), length, params))
    return [int(i) for output in batch.step(300) for i in output.ids]


def test_a_model_of_words(run: Callable[..., Job], models: ModelStore) -> None:
    job = run(WORDS, level="word")
    assert job.status == "succeeded", job.state.error
    checkpoint = models.load("m", 1)
    assert isinstance(checkpoint.vocabulary, WordVocabulary)
    assert {"quick", "o'clock", "isn't", " ", "\n", "?", "1", "0"} <= set(checkpoint.vocabulary.words)
    record = checkpoint.record.json
    tokens = len(checkpoint.vocabulary.encode(WORDS))
    assert record["level"] == "word"
    assert record["characters_per_token"] == pytest.approx(len(WORDS) / tokens)
    per_token = record["validation_loss"] / np.log(2)
    assert record["bits_per_character"] == pytest.approx(per_token * tokens / len(WORDS))
    assert job.progress.bits_per_character == pytest.approx(
        record["evaluations"][-1]["validation_loss"] / np.log(2) * tokens / len(WORDS)
    )


def test_the_unknown_word_is_never_generated(run: Callable[..., Job], models: ModelStore) -> None:
    job = run(NAMES + " \n" * 2000, steps=2, level="word", segment_length=4)
    assert job.status == "succeeded", job.state.error
    checkpoint = models.load("m", 1)
    vocabulary = checkpoint.vocabulary
    assert len(vocabulary) == MAX_WORDS + 1
    unknown = vocabulary.unknown_id
    assert unknown is not None
    assert checkpoint.weights["output.bias"][unknown] == NEVER
    likely = {**checkpoint.weights, "output.weight": checkpoint.weights["output.weight"].copy()}
    likely["output.weight"][unknown] = 100.0
    for engine in (
        ReferenceEngine(checkpoint),
        CpuEngine(checkpoint),
        CpuEngine(replace(checkpoint, weights=likely)),
    ):
        for sampling in ({"temperature": 10.0}, {"temperature": 0.0}, {"temperature": 2.0, "top_k": 3, "top_p": 0.9}):
            ids_made = generated(engine, vocabulary, 12, **sampling)
            assert len(ids_made) == 8 * 12
            assert unknown not in ids_made


def test_ids_are_kept_for_each_vocabulary(corpora: CorpusStore) -> None:
    corpus, _ = corpora.add([WORDS.encode()])
    characters, by_character = ids(corpora, corpus)
    words, by_word = ids(corpora, corpus, "word")
    more, by_more = ids(corpora, corpus, "char", Vocabulary("XYZ"))
    assert [len(by_character), len(by_more)] == [len(WORDS)] * 2
    for vocabulary, found in ((characters, by_character), (words, by_word), (more, by_more)):
        assert vocabulary.decode(np.asarray(found, np.int32)) == WORDS
    assert more == Vocabulary("".join(sorted({*"XYZ", *WORDS})))
    again = ids(corpora, corpus, "word")[1]
    assert str(again.filename) == str(by_word.filename)


def test_making_ids_can_be_left_at_any_moment(corpora: CorpusStore) -> None:
    corpus, _ = corpora.add([WORDS.encode()])

    def check() -> None:
        raise InterruptedError

    before = sorted(corpora.folder(corpus).iterdir())
    for level in ("char", "word"):
        with pytest.raises(InterruptedError):
            ids(corpora, corpus, level, check=check)
    assert sorted(corpora.folder(corpus).iterdir()) == before


def first_loss(jobs: JobStore, job: Job) -> float:
    metrics = jobs.event_log(job.id).metrics()
    return float(next(line["validation_loss"] for line in metrics if "validation_loss" in line))


@pytest.mark.parametrize(("level", "embedding_size"), [("char", 4), ("char", 0), ("word", 4)])
def test_a_job_goes_on_from_a_version(
    run: Callable[..., Job], jobs: JobStore, models: ModelStore, level: str, embedding_size: int
) -> None:
    base = run(WORDS, "base", 100, level=level, embedding_size=embedding_size, learning_rate=0.03)
    other = WORDS.replace("fox", "\u00e9m\u00fb")
    fresh = run(other, "fresh", 10, level=level, embedding_size=embedding_size)
    job = run(other, "more", 10, base="base", level=None, hidden_size=None)
    assert job.status == "succeeded", job.state.error
    assert first_loss(jobs, job) < first_loss(jobs, fresh) - 0.7
    assert first_loss(jobs, base) == pytest.approx(first_loss(jobs, fresh), abs=0.5)
    checkpoint = models.load("more", 1)
    assert (checkpoint.config.cell, checkpoint.config.hidden_size) == ("lstm", 8)
    assert checkpoint.config.embedding_size == embedding_size
    assert checkpoint.vocabulary.level == level
    assert checkpoint.vocabulary.encode(other + WORDS).size
    assert checkpoint.record.json["base"] == {"model": "base", "version": 1, "digest": models.load("base", 1).digest}


def test_a_version_that_goes_on_from_itself_keeps_its_vocabulary(run: Callable[..., Job], models: ModelStore) -> None:
    run(WORDS, level="word")
    job = run(WORDS, base="m@1")
    assert (job.status, job.state.version) == ("succeeded", 2)
    assert models.load("m", 2).vocabulary == models.load("m", 1).vocabulary


def test_a_base_that_is_gone_fails_the_job_and_says_so(run: Callable[..., Job]) -> None:
    job = run(WORDS, base="nothing@3")
    assert (job.status, job.state.error) == ("failed", "base: there is no model nothing")


def test_few_words_are_too_few(run: Callable[..., Job]) -> None:
    job = run("antidisestablishmentarianism " * 10, level="word", segment_length=30)
    assert job.status == "failed"
    expected = "corpus has 20 words, punctuation marks and spaces; at least 31 are needed"
    assert (job.state.error or "").startswith(expected)


def test_a_level_that_there_is_not() -> None:
    with pytest.raises(JobRequestError, match="level must be one of char, word, not 'line'") as caught:
        JobRequest("0" * 16, "m", level="line")  # type: ignore[arg-type]
    assert caught.value.field == "level"
