from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from charrnn.checkpoint import Checkpoint
from charrnn.config import ModelConfig
from charrnn.marks import MarkedVocabulary
from charrnn.record import TrainingRecord
from charrnn.tasks.arrangement import Arrangement
from charrnn.training.batches import RecordSteps
from charrnn.training.data import TrainingText
from charrnn.training.record_data import TrainingRecords
from charrnn.training.text import Passages
from charrnn.vocabulary import Vocabulary
from service.training.worker.fidelity import MAX_PROBABILITIES, with_fidelity
from tests.networks import random_network

LETTERS = Vocabulary("abcdefghijklmnopqrstuvwxyz")


def network(scale: float) -> Checkpoint:
    config = ModelConfig(26, cell="rnn", hidden_size=16)
    random = np.random.default_rng(1)
    weights = {n: random.normal(size=s, scale=scale).astype(np.float32) for n, s in config.shapes().items()}
    return Checkpoint(config, LETTERS, weights, TrainingRecord({"steps": 5}))


@pytest.fixture
def ids() -> Any:
    return np.random.default_rng(2).integers(0, 26, 3000).astype(np.uint8)


def test_a_faithful_version_is_served_in_int8_and_says_how_near_it_is(ids: Any) -> None:
    record = with_fidelity(network(0.1), TrainingText(ids, LETTERS), Passages(ids)).record.json
    assert record["steps"] == 5
    fidelity = record["fidelity"]
    assert fidelity["precision"] == "int8"
    assert fidelity["difference"] == fidelity["int8"] - fidelity["float32"]
    assert abs(fidelity["difference"]) <= 0.001
    assert fidelity["characters"] == 3000


def test_one_that_misses_is_served_in_float_and_says_so(ids: Any, caplog: pytest.LogCaptureFixture) -> None:
    faithful = network(0.1)
    # One weight a hundred times the others takes all of its output's 8 bits.
    weights = {name: weight.copy() for name, weight in faithful.weights.items()}
    weights["output.weight"][:, 0] *= 1000
    record = with_fidelity(replace(faithful, weights=weights), TrainingText(ids, LETTERS), Passages(ids)).record.json
    assert record["fidelity"]["precision"] == "float32"
    assert "served in float32" in caplog.text


def test_of_long_records_with_many_labels_few_steps_are_measured() -> None:
    arrangement = Arrangement("tag", "line", "\n", tuple(f"{label:05}" for label in range(5_000)))
    model, length = random_network(LETTERS, "rnn", 4, arrangement=arrangement), 1_000
    assert isinstance(model.vocabulary, MarkedVocabulary)
    inputs, bounds = np.zeros(3 * length, np.uint8), np.arange(4) * length
    steps = RecordSteps(inputs, np.full(3 * length, 7, np.int16), bounds, np.full(3, length))
    records = TrainingRecords(steps, np.arange(3) > 0, model.vocabulary, arrangement)
    fidelity = with_fidelity(model, records, Passages(inputs[:0])).record.json["fidelity"]
    assert fidelity["characters"] == MAX_PROBABILITIES // 5_000
    assert fidelity["float32"] > 0
