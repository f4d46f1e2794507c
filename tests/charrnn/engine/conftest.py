"""Small networks with random weights, and their equations in float64."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from charrnn import cells
from charrnn.checkpoint import Checkpoint
from charrnn.config import Cell, ModelConfig
from charrnn.record import TrainingRecord
from charrnn.tasks.arrangement import TEXT, Arrangement
from charrnn.vocabulary import Ids, Vocabulary

Floats = npt.NDArray[np.float64]
MakeCheckpoint = Callable[..., Checkpoint]


def _make(
    cell: Cell = "lstm",
    vocabulary: int = 20,
    hidden: int = 24,
    layers: int = 1,
    embedding: int = 0,
    seed: int = 0,
    arrangement: Arrangement = TEXT,
    tokens: Vocabulary | None = None,
) -> Checkpoint:
    tokens = tokens or Vocabulary("".join(chr(0x4E00 + i) for i in range(vocabulary)))
    known = arrangement.vocabulary(tokens)
    config = ModelConfig(len(known), cell, hidden, layers, embedding, arrangement.output_size(known))
    random = np.random.default_rng(seed)
    bound = hidden**-0.5
    weights = {name: random.uniform(-bound, bound, shape).astype(np.float32) for name, shape in config.shapes().items()}
    weights["output.weight"] *= 5
    return Checkpoint(config, known, weights, TrainingRecord(arrangement.as_dict()))


@pytest.fixture(scope="session")
def make_checkpoint() -> MakeCheckpoint:
    return _make


@pytest.fixture(scope="session")
def log_probabilities() -> Callable[[Checkpoint, Ids], Floats]:
    """[n, outputs]: row i is what the network expects after ids 0 to i, by the equations of charrnn.cells."""

    def compute(checkpoint: Checkpoint, ids: Ids) -> Floats:
        output = dict(zip(("output.weight", "output.bias"), checkpoint.output_weights, strict=True))
        weights = {name: weight.astype(np.float64) for name, weight in {**checkpoint.weights, **output}.items()}
        state, rows = cells.initial_state(checkpoint.config), []
        for id_ in ids.tolist():
            logits, state = cells.step(checkpoint.config, weights, id_, state)
            rows.append(logits - np.log(np.exp(logits).sum()))
        return np.array(rows)

    return compute
