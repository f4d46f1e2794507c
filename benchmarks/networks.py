"""Networks to be timed, with random weights; knows no engine."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from charrnn.checkpoint import Checkpoint
from charrnn.config import Cell, ModelConfig
from charrnn.record import TrainingRecord
from charrnn.tasks.arrangement import Arrangement
from charrnn.vocabulary import Vocabulary

VOCABULARY = 96
LABELS = 8


TOKENS = Vocabulary("".join(chr(0x4E00 + i) for i in range(VOCABULARY)))


def network(cell: Cell, hidden_size: int, layers: int) -> Checkpoint:
    """Random weights; time does not depend on their values."""
    config = ModelConfig(VOCABULARY, cell, hidden_size, layers)
    return Checkpoint(config, TOKENS, _weights(config))


def record_network(cell: Cell, hidden_size: int, layers: int, mean_length: float) -> Checkpoint:
    """Random weights, but for the bias of the end: records have about this many characters on average."""
    lines = Arrangement("generate", "line", "\n")
    vocabulary = lines.vocabulary(TOKENS)
    config = ModelConfig(len(vocabulary), cell, hidden_size, layers, output_size=lines.output_size(vocabulary))
    weights = _weights(config)
    weights["output.bias"][vocabulary.end_id] = np.log(VOCABULARY / mean_length)
    return Checkpoint(config, vocabulary, weights, TrainingRecord(lines.as_dict()))


def label_network(cell: Cell, hidden_size: int, layers: int) -> Checkpoint:
    """Random weights, for one of as many labels for each line."""
    lines = Arrangement("classify", "line", "\n", tuple(f"label {i}" for i in range(LABELS)))
    vocabulary = lines.vocabulary(TOKENS)
    config = ModelConfig(len(vocabulary), cell, hidden_size, layers, output_size=lines.output_size(vocabulary))
    return Checkpoint(config, vocabulary, _weights(config), TrainingRecord(lines.as_dict()))


def _weights(config: ModelConfig) -> dict[str, npt.NDArray[np.float32]]:
    random, bound = np.random.default_rng(0), config.hidden_size**-0.5
    return {name: random.uniform(-bound, bound, shape).astype(np.float32) for name, shape in config.shapes().items()}
