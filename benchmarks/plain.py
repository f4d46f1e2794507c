"""The yardstick: thirty lines of torch that anybody would write, trained for some minutes or steps with a fixed peak
learning rate; knows nothing of this project's training."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from charrnn.config import Cell, ModelConfig
from charrnn.model import MODULES, CharRNN
from charrnn.training.text import Streams, TextIds

BATCH, SEGMENT, EMBEDDING, DROPOUT = 24, 64, 64, 0.2
RATES: Final[dict[Cell, tuple[float, ...]]] = {
    "rnn": (1e-3, 2e-3, 4e-3),
    "gru": (2e-3, 3.5e-3, 5e-3),
    "lstm": (2e-3, 3.5e-3, 5e-3),
}
"""The peak learning rates of which the best one counts."""


@dataclass(frozen=True, slots=True)
class Limit:
    """When training ends: after these minutes, or these steps."""

    minutes: float = math.inf
    steps: float = math.inf


class PlainNetwork(nn.Module):
    """Embedding, torch's recurrent module with dropout between its layers, and an output layer; its weights have the
    names of CharRNN's."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.embedding = nn.Embedding(config.vocabulary_size, config.embedding_size)
        dropout = DROPOUT if config.layers > 1 else 0.0
        sizes = (config.embedding_size, config.hidden_size, config.layers)
        self.rnn = MODULES[config.cell](*sizes, batch_first=True, dropout=dropout)
        self.output = nn.Linear(config.hidden_size, config.vocabulary_size)

    def forward(self, ids: Tensor, state: Tensor | tuple[Tensor, ...] | None) -> tuple[Tensor, Tensor]:
        """Logits [B, T, vocabulary_size], and torch's state of the recurrent module."""
        hidden, after = self.rnn(self.embedding(ids), state)
        return self.output(hidden), after


def train_plain(
    config: ModelConfig, ids: TextIds, rate: float, limit: Limit, clock: Callable[[], float] = time.perf_counter
) -> tuple[CharRNN, int]:
    """A network trained on a text, and how many characters it read: AdamW, a cosine to 0, gradients clipped to 1,
    float32, the state carried from segment to segment."""
    torch.manual_seed(0)
    network, streams = PlainNetwork(config), Streams(ids, BATCH, SEGMENT)
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, betas=(0.9, 0.99), weight_decay=0.01)
    began, steps, characters, state = clock(), 0, 0, None
    while (done := max((clock() - began) / (60 * limit.minutes), steps / limit.steps)) < 1:
        optimizer.param_groups[0]["lr"] = rate * 0.5 * (1 + math.cos(math.pi * done))
        segment = streams.segment(steps % streams.segments)
        inputs, targets = torch.from_numpy(segment.inputs), torch.from_numpy(segment.targets)
        logits, after = network(inputs, state)
        loss = functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        state = tuple(part.detach() for part in after) if isinstance(after, tuple) else after.detach()
        steps, characters = steps + 1, characters + segment.tokens
    return _as_charrnn(config, network), characters


def _as_charrnn(config: ModelConfig, network: PlainNetwork) -> CharRNN:
    """The same network as one of this project's, which measures it as it measures its own."""
    same = CharRNN(config)
    same.load_weights({name: np.asarray(weight) for name, weight in network.state_dict().items()})
    return same
