from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from charrnn.checkpoint import Checkpoint
from charrnn.config import ModelConfig
from charrnn.record import TrainingRecord
from charrnn.training.data import TrainingText
from charrnn.training.text import Passages
from charrnn.vocabulary import Vocabulary
from service.training.worker.fidelity import with_fidelity

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
