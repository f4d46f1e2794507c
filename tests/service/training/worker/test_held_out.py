"""A version comes with how likely it finds what was held out, line by line."""

from __future__ import annotations

import random
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest

from charrnn.held_out_scores import QUANTILES
from charrnn.tasks.arrangement import Arrangement
from charrnn.tasks.record import Record
from charrnn.training.batches import RecordSteps
from charrnn.training.config import Budget
from charrnn.training.text import Passages
from charrnn.vocabulary import Vocabulary
from charrnn.words import WordVocabulary
from model_store import ModelStore
from model_store.held_out import held_out_scores
from service.training.corpora.store import CorpusStore
from service.training.jobs.requests import JobRequest
from service.training.jobs.store import JobStore
from service.training.records.format import RecordFormat
from service.training.worker.held_out import LONGEST, MOST, lines_of, measure, texts_of
from tests.networks import random_network
from tests.service.training.runners import Clock, job_runner

LETTERS = Vocabulary("\nabc")
RECORDS = Arrangement("generate", "line", "\n")


def decoded(lines: Any) -> list[str]:
    return sorted(LETTERS.decode(ids) for ids in lines)


def test_lines_are_whole_and_have_something_to_score() -> None:
    ids = LETTERS.encode("cc\nabc\n\na\nbc\nab")
    assert decoded(lines_of(Passages(ids), LETTERS)) == ["abc", "bc"]
    assert decoded(lines_of(Passages(ids, [(0, 9), (10, len(ids))]), LETTERS)) == ["abc"]
    assert decoded(lines_of(Passages(ids, []), LETTERS)) == []


def test_a_long_line_counts_with_its_beginning() -> None:
    (line,) = lines_of(Passages(LETTERS.encode("\n" + "abc" * LONGEST + "\n")), LETTERS)
    assert line.size == LONGEST


def test_the_texts_of_records_are_without_marks() -> None:
    task = RECORDS.bound(RECORDS.vocabulary(LETTERS))
    end = task.vocabulary.boundary
    inputs = np.array([end, 1, 2, end, end, 3], np.int32)  # three records, each after its start
    bounds = np.array([0, 3, 4, 6])
    steps = RecordSteps(inputs, inputs, bounds, np.diff(bounds))
    held_out = np.array([True, True, False])
    assert sorted(ids.tolist() for ids in texts_of(steps, held_out, task)) == [[], [1, 2]]


def test_unknown_words_of_records_do_not_count() -> None:
    task = RECORDS.bound(RECORDS.vocabulary(WordVocabulary(("one", " "))))
    made = task.steps([Record("one two one"), Record("two")])
    steps = RecordSteps(made.inputs, made.targets, np.cumsum([0, *made.sizes]), made.sizes)
    texts = [task.vocabulary.decode(ids) for ids in texts_of(steps, np.ones(2, np.bool_), task)]
    assert sorted(texts) == ["", "one  one"]


@pytest.mark.parametrize("arrangement", [Arrangement(), RECORDS])
def test_the_bits_are_those_of_characters_and_ends(arrangement: Arrangement) -> None:
    network = random_network(LETTERS, "gru", 8, arrangement=arrangement)
    network = network.with_record(network.record.updated(fidelity={"precision": "float32"}))
    texts = [LETTERS.encode(text) for text in ["ab", "abc", "cc"] * 50]
    found = measure(network, iter(texts), lambda: True)
    assert found is not None
    assert (found.records, len(found.bits_per_character)) == (150, QUANTILES)
    assert len({round(rate, 4) for rate in found.bits_per_character[::10]}) <= 6
    assert 0 < found.bits_per_character[0] < found.bits_per_character[-1] < 10


def test_there_are_bounds() -> None:
    network = random_network(LETTERS, "rnn", 4)
    network = network.with_record(network.record.updated(fidelity={"precision": "float32"}))
    asked = iter([True, True, False])
    texts = [LETTERS.encode("ab")] * (2 * MOST)
    found = measure(network, iter(texts), lambda: next(asked))
    assert found is not None and 64 <= found.records <= 256
    assert measure(network, iter([]), lambda: True) is None


TEXT = "".join(f"{random.Random(at).choice(['the', 'a'])} line {at}\n" for at in range(2000))


def test_a_job_measures_what_it_held_out(
    jobs: JobStore, corpora: CorpusStore, models: ModelStore, tmp_path: Path
) -> None:
    corpus, _ = corpora.add([TEXT.encode()], "lines")
    sizes: dict[str, Any] = {"hidden_size": 8, "embedding_size": 0, "batch_size": 2, "segment_length": 8}
    for name, options in (("first", {}), ("hurried", {"clock": Clock(0.5)})):
        job = jobs.create(JobRequest(corpus.id, name, sizes, budget=Budget(steps=10)))
        assert job_runner(jobs, corpora, models, **options).run(job.id, Event()) == "ended"
    first, hurried = (held_out_scores(models, name, 1) for name in ("first", "hurried"))
    assert first is not None and hurried is not None
    assert 100 < first.records < 220
    assert 0 < hurried.records <= first.records
    assert 1 < first.bits_per_character[QUANTILES // 2] < 8
    lines = jobs.create(
        JobRequest(corpus.id, "records", sizes, records=RecordFormat(unit="line"), budget=Budget(steps=10))
    )
    assert job_runner(jobs, corpora, models).run(lines.id, Event()) == "ended"
    records = held_out_scores(models, "records", 1)
    assert records is not None
    assert records.records == models.describe("records", 1).record.json["records"]["validation"]
    digests = [models.describe(name, 1).digest for name in ("first", "hurried")]
    assert digests[0] == digests[1]
