"""The network that is trained: torch's fused recurrent modules between a token's vector and the next one's scores;
knows nothing of data, of losses, of files."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from charrnn.checkpoint import Weights
from charrnn.config import Cell, ModelConfig

MODULES: Final[dict[Cell, type[nn.RNN] | type[nn.GRU] | type[nn.LSTM]]] = {
    "rnn": nn.RNN,
    "gru": nn.GRU,
    "lstm": nn.LSTM,
}


class CharRNN(nn.Module):
    """A recurrent network over tokens: y_t = W_hy h_t + b_y, h_t = cell(x_t, h_{t-1}) in each layer (`charrnn.cells`).

    Its `state_dict` has the names and shapes of `ModelConfig.shapes`. `dropout` is the share of a vector's elements
    that is left out in training: of the embedding, between layers, and before the output.
    """

    def __init__(self, config: ModelConfig, dropout: float = 0.0) -> None:
        super().__init__()
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout must be from 0 to less than 1, not {dropout!r}")
        self.config = config
        self.dropout = dropout
        if config.embedding_size:
            self.embedding = nn.Embedding(config.vocabulary_size, config.embedding_size)
        self.rnn = MODULES[config.cell](
            config.input_size,
            config.hidden_size,
            config.layers,
            batch_first=True,
            dropout=dropout if config.layers > 1 else 0.0,
        )
        self.output = nn.Linear(config.hidden_size, config.vocabulary_size)

    def forward(self, ids: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Scores [B, T, vocabulary_size] of what follows each of the ids [B, T], and the state after the last one.

        A state is [state_parts, layers, B, hidden_size]; None: all zeros.
        """
        if state is None:
            state = self.initial_state(ids.shape[0])
        hidden, parts = self.rnn(self.input_vectors(ids), tuple(state) if self.config.cell == "lstm" else state[0])
        new_state = torch.stack(parts) if self.config.cell == "lstm" else parts[None]
        return self.output(self._drop(hidden)), new_state  # hidden [B, T, hidden_size]

    def initial_state(self, batch_size: int) -> Tensor:
        """The state before the first token, [state_parts, layers, batch_size, hidden_size], all zeros."""
        config = self.config
        return self.output.weight.new_zeros(config.state_parts, config.layers, batch_size, config.hidden_size)

    def input_vectors(self, ids: Tensor) -> Tensor:
        """Each id's vector x_t, [..., input_size]: a row of the embedding, or one-hot."""
        if self.config.embedding_size:
            return self._drop(self.embedding(ids))
        return functional.one_hot(ids, self.config.vocabulary_size).to(self.output.weight.dtype)

    def _drop(self, vectors: Tensor) -> Tensor:
        return functional.dropout(vectors, self.dropout, self.training) if self.dropout else vectors

    def weights(self) -> dict[str, npt.NDArray[np.float32]]:
        """A copy of the weights for a checkpoint, in the order of `ModelConfig.shapes`."""
        tensors = self.state_dict()
        return {name: tensors[name].detach().cpu().float().numpy().copy() for name in self.config.shapes()}

    def load_weights(self, weights: Weights) -> None:
        """Take a checkpoint's weights. Raises RuntimeError, naming them, when names or shapes do not fit."""
        self.load_state_dict({name: torch.from_numpy(np.array(weight)) for name, weight in weights.items()})
