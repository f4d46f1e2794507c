"""What a training record says beside the loss."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from charrnn.copying import LEAST
from charrnn.marks import MarkedVocabulary
from charrnn.record import TrainingRecord
from charrnn.tasks.arrangement import Arrangement
from charrnn.tasks.record import TaskName
from charrnn.training.batches import RecordSteps
from charrnn.training.config import Budget, TrainingConfig
from charrnn.training.data import TrainingText
from charrnn.training.record_data import TrainingRecords
from charrnn.vocabulary import Vocabulary
from service.training.worker.comparing import compared, warnings_of, with_comparison
from tests.networks import random_network

TRAINING = TrainingConfig(Budget(minutes=1), validation_split="end")


def text_of(lines: list[str]) -> TrainingText:
    text = "".join(f"{line}\n" for line in lines)
    vocabulary = Vocabulary.of([text])
    return TrainingText(vocabulary.encode(text), vocabulary)


def random_lines(seed: int, count: int) -> list[str]:
    rng = random.Random(seed)
    return ["".join(rng.choices("abcdefgh", k=60)) for _ in range(count)]


def test_lines_of_both_parts_are_counted_and_reported() -> None:
    lines = random_lines(0, 400)
    lines[370:] = lines[:30]
    found = compared(text_of(lines), TRAINING)
    assert found["held_out_lines"] == {"lines": 39, "copied": 30}  # the first may be a part of a line
    assert found["yardsticks"]["held_out"] == 2440
    (warning,) = warnings_of(found)
    assert warning.startswith(f"30 of 39 held-out lines of {LEAST} characters or more stand in the training text")


def test_lines_that_are_new_need_no_warning() -> None:
    found = compared(text_of(random_lines(0, 400)), TRAINING)
    assert found["held_out_lines"] == {"lines": 39, "copied": 0}
    assert warnings_of(found) == []


def test_nothing_is_held_out() -> None:
    assert compared(text_of(random_lines(0, 2)), TrainingConfig(Budget(steps=1), validation_fraction=0)) == {}


def test_a_short_budget_is_not_spent_on_comparing() -> None:
    yardsticks = compared(text_of(random_lines(0, 400)), TrainingConfig(Budget(minutes=0.01)))["yardsticks"]
    assert yardsticks["training"] <= 0.01 * 60 * 8_000


def test_a_network_of_chance_copies_nothing() -> None:
    text = text_of(random_lines(0, 100))
    record = TrainingRecord({"training": TRAINING.as_dict(), "warnings": ["before"]})
    checkpoint = random_network(text.vocabulary, "rnn", 8).with_record(record)
    found = with_comparison(checkpoint, {"yardsticks": {}}, text).record
    assert found.json["yardsticks"] == {}
    assert found.json["generated_lines"]["copied"] == 0 < found.json["generated_lines"]["lines"]
    assert found.warnings == ("before",)


def test_a_network_that_knows_one_letter_copies_the_text() -> None:
    text = text_of(["a" * 2_000])
    network = random_network(text.vocabulary, "rnn", 8)
    weights = {
        **network.weights,
        "output.weight": np.zeros((2, 8), np.float32),
        "output.bias": np.array([0, 2.4], np.float32),
    }
    record = TrainingRecord({"training": TRAINING.as_dict()})
    found = with_comparison(replace(network, weights=weights, record=record), {}, text).record
    counts = found.json["generated_lines"]
    assert counts["copied"] == counts["lines"] > 20
    assert found.warnings == (
        f"{counts['lines']} of {counts['lines']} generated lines of 40 characters or more stand in"
        " the corpus word for word.",
    )


@pytest.mark.parametrize(("task", "measured"), [("generate", True), ("classify", False)])
def test_records_that_are_texts_are_compared_with_simple_models(task: TaskName, measured: bool) -> None:
    arrangement = Arrangement(task, "line", "\n", () if measured else ("x", "y"))
    vocabulary = arrangement.vocabulary(Vocabulary("abcdefgh"))
    assert isinstance(vocabulary, MarkedVocabulary)
    ids = np.concatenate([[vocabulary.boundary, *vocabulary.encode(line)] for line in random_lines(0, 100)]).astype(
        np.int32
    )
    bounds = 61 * np.arange(101)
    held_out = np.arange(100) >= 90
    records = TrainingRecords(RecordSteps(ids, ids, bounds, np.diff(bounds)), held_out, vocabulary, arrangement)
    found = compared(records, TRAINING)
    assert found.keys() == ({"yardsticks"} if measured else set())
    if measured:
        assert (found["yardsticks"]["training"], found["yardsticks"]["held_out"]) == (90 * 61, 10 * 61)
