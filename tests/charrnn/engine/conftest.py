"""Small networks with random weights, and their equations in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

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


class Network:
    """The textbook's equations, one id at a time."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.config = checkpoint.config
        self.weights = {name: weight.astype(np.float64) for name, weight in checkpoint.weights.items()}
        self.h: Floats = np.zeros((self.config.layers, self.config.hidden_size))
        self.c: Floats = np.zeros((self.config.layers, self.config.hidden_size))

    def read(self, id_: int) -> Floats:
        """Log-probabilities of what follows the id."""
        x = self.weights["embedding.weight"][id_] if self.config.embedding_size else np.eye(self.config.input_size)[id_]
        for layer in range(self.config.layers):
            x = self._layer(layer, x)
        logits = self.weights["output.weight"] @ x + self.weights["output.bias"]
        return np.asarray(logits - np.log(np.exp(logits).sum()))

    def _layer(self, layer: int, x: Floats) -> Floats:
        of_input = self.weights[f"rnn.weight_ih_l{layer}"] @ x + self.weights[f"rnn.bias_ih_l{layer}"]
        of_state = self.weights[f"rnn.weight_hh_l{layer}"] @ self.h[layer] + self.weights[f"rnn.bias_hh_l{layer}"]
        if self.config.cell == "rnn":
            self.h[layer] = np.tanh(of_input + of_state)
        elif self.config.cell == "gru":
            a, b = of_input.reshape(3, -1), of_state.reshape(3, -1)
            r, z = _sigmoid(a[0] + b[0]), _sigmoid(a[1] + b[1])
            self.h[layer] = (1 - z) * np.tanh(a[2] + r * b[2]) + z * self.h[layer]
        else:
            i, f, g, o = (of_input + of_state).reshape(4, -1)
            self.c[layer] = _sigmoid(f) * self.c[layer] + _sigmoid(i) * np.tanh(g)
            self.h[layer] = _sigmoid(o) * np.tanh(self.c[layer])
        return np.asarray(self.h[layer])


def _sigmoid(x: Floats) -> Any:
    return 1 / (1 + np.exp(-x))


@pytest.fixture(scope="session")
def make_checkpoint() -> MakeCheckpoint:
    return _make


@pytest.fixture(scope="session")
def log_probabilities() -> Callable[[Checkpoint, Ids], Floats]:
    """[n, vocabulary_size]: row i is what the network expects after ids 0 to i."""

    def compute(checkpoint: Checkpoint, ids: Ids) -> Floats:
        network = Network(checkpoint)
        return np.array([network.read(int(i)) for i in ids])

    return compute
