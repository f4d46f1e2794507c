"""Small networks with random weights, and their equations in float64."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from charrnn import cells
from charrnn.checkpoint import Checkpoint
from charrnn.config import Cell, ModelConfig
from charrnn.vocabulary import Ids, Vocabulary

Floats = npt.NDArray[np.float64]
MakeCheckpoint = Callable[..., Checkpoint]


def _make(
    cell: Cell = "lstm", vocabulary: int = 20, hidden: int = 24, layers: int = 1, embedding: int = 0, seed: int = 0
) -> Checkpoint:
    config = ModelConfig(vocabulary, cell, hidden, layers, embedding)
    random = np.random.default_rng(seed)
    bound = hidden**-0.5
    weights = {name: random.uniform(-bound, bound, shape).astype(np.float32) for name, shape in config.shapes().items()}
    weights["output.weight"] *= 5
    return Checkpoint(config, Vocabulary("".join(chr(0x4E00 + i) for i in range(vocabulary))), weights)


@pytest.fixture(scope="session")
def make_checkpoint() -> MakeCheckpoint:
    return _make


@pytest.fixture(scope="session")
def log_probabilities() -> Callable[[Checkpoint, Ids], Floats]:
    """[n, vocabulary_size]: row i is what the network expects after ids 0 to i, by the equations of charrnn.cells."""

    def compute(checkpoint: Checkpoint, ids: Ids) -> Floats:
        weights = {name: weight.astype(np.float64) for name, weight in checkpoint.weights.items()}
        state, rows = cells.initial_state(checkpoint.config), []
        for id_ in ids.tolist():
            logits, state = cells.step(checkpoint.config, weights, id_, state)
            rows.append(logits - np.log(np.exp(logits).sum()))
        return np.array(rows)

    return compute
