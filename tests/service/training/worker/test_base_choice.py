"""Which shipped base a small text gets: run for real, with bases of 8 units that know a text or another alphabet."""

from collections.abc import Callable
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from charrnn.checkpoint import Checkpoint
from charrnn.training.config import Budget
from charrnn.training.data import TrainingText
from charrnn.vocabulary import Vocabulary
from model_store import ModelStore
from service.training.corpora.store import CorpusStore
from service.training.jobs.job import Job
from service.training.jobs.plan import BaseTrial, Plan
from service.training.jobs.requests import JobRequest
from service.training.jobs.shipped_bases import ShippedBase, ShippedBases
from service.training.jobs.store import JobStore
from service.training.worker.base_choice import LEAST_KNOWN, MAX_CHARACTERS, choose, fitting, known_share
from tests.networks import random_network
from tests.service.training.runners import job_runner

SMALL = {"hidden_size": 8, "embedding_size": 4, "batch_size": 2, "segment_length": 8}
WORDS = "the quick brown fox jumps over the lazy dog\n" * 40
OTHER = WORDS.upper() * 2 + WORDS.translate(str.maketrans("fox", "\u00e9ox"))


@pytest.fixture
def bases(tmp_path: Path) -> ShippedBases:
    (tmp_path / "bases").mkdir()
    return ShippedBases(tmp_path / "bases")


def put(bases: ShippedBases, name: str, network: Checkpoint) -> ShippedBase:
    (bases.folder / f"{name}.safetensors").write_bytes(network.to_bytes())
    return ShippedBase(name, network.digest)


@pytest.fixture
def run(jobs: JobStore, corpora: CorpusStore, models: ModelStore, bases: ShippedBases) -> Callable[..., Job]:
    """Trains a text to the end of its job."""

    def run(text: str, model: str = "m", steps: int = 20, **fields: object) -> Job:
        corpus, _ = corpora.add([text.encode()])
        values = {"corpus": corpus.id, "model": model, "budget": {"steps": steps}, **SMALL, **fields}
        job = jobs.create(JobRequest.from_dict(values))
        assert job_runner(jobs, corpora, models, bases=bases).run(job.id, Event()) == "ended"
        return jobs.get(job.id)

    return run


def plan_of(jobs: JobStore, job: Job) -> Plan:
    plan = jobs.plan(job.id)
    assert plan is not None
    return plan


def test_a_small_text_gets_the_base_that_helps(
    run: Callable[..., Job], jobs: JobStore, models: ModelStore, bases: ShippedBases
) -> None:
    assert plan_of(jobs, run(WORDS, "words", 200, learning_rate=0.03)).trials == ()
    assert plan_of(jobs, run(OTHER, "none")).trials == ()
    known = put(bases, "words", models.load("words", 1))
    put(bases, "noise", random_network(models.load("words", 1).vocabulary, "lstm", 8))
    for asked in ({}, {"base": "auto"}):
        job = run(WORDS, "more", **asked)
        plan, record = plan_of(jobs, job), models.load("more", job.state.version or 0).record.json
        assert plan.base == known
        assert plan.decided["base"] == "words"
        trials = {trial.base: trial.loss for trial in plan.trials}
        assert list(trials) == [None, "words"]  # the other has no embedding
        assert trials["words"] < (trials[None] or 0) - 0.5
        assert record["base"] == {"name": "words", "digest": known.digest}
        assert record["base_trials"] == [{"base": t.base, "steps": 1, "loss": t.loss} for t in plan.trials]
    assert plan_of(jobs, run(WORDS, "without", base="none")).base is None


def test_the_vocabulary_is_the_texts_own(run: Callable[..., Job], models: ModelStore, bases: ShippedBases) -> None:
    run(WORDS, "words", 200, learning_rate=0.03)
    put(bases, "words", models.load("words", 1))
    text = WORDS.replace("lazy", "l\u00e4zy").replace("quick", "")
    job = run(text, "more")
    assert job.status == "succeeded", job.state.error
    checkpoint = models.load("more", 1)
    assert checkpoint.record.json["base"]["name"] == "words"
    assert checkpoint.vocabulary == Vocabulary.of([text])


def test_a_base_of_another_alphabet_or_size_is_not_tried(bases: ShippedBases) -> None:
    letters = random_network(Vocabulary("abcdefgh"), "gru", 5)
    base = put(bases, "letters", letters)

    def found(text: str, **given: object) -> list[ShippedBase]:
        vocabulary = Vocabulary.of([text])
        return [each for each, _ in fitting(bases, TrainingText(vocabulary.encode(text), vocabulary), given)]

    assert found("abc" * 30 + "x" * 9) == [base]
    assert found("abc" * 30 + "x" * 12) == []
    assert found("\u4e00\u4e8c" * 50) == []
    assert found("abc" * 30, hidden_size=5, cell="gru") == [base]
    assert found("abc" * 30, hidden_size=6) == found("abc" * 30, cell="lstm") == []
    assert found("a" * MAX_CHARACTERS) == [base]
    assert found("a" * (MAX_CHARACTERS + 1)) == []


def test_the_known_share_of_a_large_text_is_that_of_a_part() -> None:
    ids = np.arange(2_000_003) % 10
    assert known_share(ids, np.array([0, 1, 2])) == pytest.approx(0.3, abs=0.01)
    assert known_share(ids[:10], np.arange(0)) == 0


def test_the_choice_does_not_depend_on_what_the_machine_is_worth(bases: ShippedBases) -> None:
    put(bases, "letters", random_network(Vocabulary("abcdefgh"), "gru", 5))
    vocabulary = Vocabulary("abc")
    text = TrainingText(np.arange(1500) % 3, vocabulary)
    given = {"hidden_size": 5, "batch_size": 2, "segment_length": 8}

    def chosen(budget: Budget, worth: float) -> tuple[BaseTrial, ...]:
        return choose(bases, text, budget, Budget(minutes=worth), given, check=lambda: None, device="cpu").trials

    (none, one), again = chosen(Budget(minutes=0.1), 0.1), chosen(Budget(minutes=0.1), 0.1)
    assert (none, one) == again
    assert [none.steps, one.steps] == [4, 4]
    assert [each.steps for each in chosen(Budget(minutes=0.1), 0.5)] == [4, 4]
    assert [each.steps for each in chosen(Budget(steps=40), 0.1)] == [2, 2]


def test_a_version_that_knows_little_of_a_text_is_reported(run: Callable[..., Job], models: ModelStore) -> None:
    run(WORDS, "words")
    assert LEAST_KNOWN > 0.5
    job = run("\u03b1\u03b2\u03b3 \u03b4\u03b5\n" * 100, "greek", base="words")
    assert job.status == "succeeded", job.state.error
    expected = "The base knows only 29% of the text's characters: it helps little with this text."
    assert expected in job.warnings
    assert expected in models.load("greek", 1).record.json["warnings"]
    assert not any("The base" in each for each in run(WORDS, "again", base="words").warnings)
