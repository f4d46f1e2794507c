"""Networks to be timed, with random weights; knows no engine."""

from __future__ import annotations

import numpy as np

from charrnn.checkpoint import Checkpoint
from charrnn.config import Cell, ModelConfig
from charrnn.vocabulary import Vocabulary

VOCABULARY = 96


def network(cell: Cell, hidden_size: int, layers: int) -> Checkpoint:
    """Random weights; time does not depend on their values."""
    config = ModelConfig(VOCABULARY, cell, hidden_size, layers)
    random, bound = np.random.default_rng(0), hidden_size**-0.5
    weights = {name: random.uniform(-bound, bound, shape).astype(np.float32) for name, shape in config.shapes().items()}
    return Checkpoint(config, Vocabulary("".join(chr(0x4E00 + i) for i in range(VOCABULARY))), weights)
