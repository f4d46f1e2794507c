"""The network as it is trained, in torch: input vectors, fused recurrent layers, output layer; knows no data, no losses
and no files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from charrnn import vanilla
from charrnn.checkpoint import Weights
from charrnn.config import Cell, ModelConfig
from charrnn.initial import draw
from charrnn.tied_output import TiedOutput

MODULES: Final[dict[Cell, type[nn.RNN] | type[nn.GRU] | type[nn.LSTM]]] = {
    "rnn": nn.RNN,
    "gru": nn.GRU,
    "lstm": nn.LSTM,
}


@dataclass(frozen=True, eq=False, slots=True)
class Masks:
    """Dropout that zeroes the same elements at every step of a segment: factors for the embedding [B, 1, input_size]
    and for the output of each layer [B, 1, hidden_size] (Gal, Ghahramani: A Theoretically Grounded Application of
    Dropout in Recurrent Neural Networks, 2016)."""

    embedding: Tensor
    layers: tuple[Tensor, ...]

    def of(self, rows: slice) -> Masks:
        """The masks of these rows of the batch."""
        return Masks(self.embedding[rows], tuple(mask[rows] for mask in self.layers))


class CharRNN(nn.Module):
    """A recurrent network over tokens: y_t = W_hy h_t + b_y, h_t = cell(x_t, h_{t-1}) in each layer (`charrnn.cells`).

    Its `state_dict` has the names and shapes of `ModelConfig.shapes`. `dropout` is the share of a vector's elements
    that `masks` zero in training, between layers and before the output; the embedding loses half that share. With
    `predicts_next` it has a second output layer, for training alone, whose logits are those of the next token. With
    `tied`, for training too, the output layer shares the embedding's vectors (`charrnn.tied_output`).
    """

    def __init__(
        self, config: ModelConfig, dropout: float = 0.0, *, predicts_next: bool = False, tied: bool = False
    ) -> None:
        super().__init__()
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout must be from 0 to less than 1, not {dropout!r}")
        self.config = config
        self.dropout = dropout
        if config.embedding_size:
            self.embedding = nn.Embedding(config.vocabulary_size, config.embedding_size)
        self.rnn = MODULES[config.cell](config.input_size, config.hidden_size, config.layers, batch_first=True)
        self.output: nn.Linear | TiedOutput
        self.output = TiedOutput(config) if tied else nn.Linear(config.hidden_size, config.shapes()["output.bias"][0])
        if not config.output_size:
            draw(self.rnn, self.output, is_one_hot=not config.embedding_size)
        if predicts_next:
            self.next_token = nn.Linear(config.hidden_size, config.vocabulary_size)
        self._layers = [self._layer(number) for number in range(config.layers)]

    def forward(self, ids: Tensor, state: Tensor | None = None, masks: Masks | None = None) -> tuple[Tensor, Tensor]:
        """Logits [B, T, outputs] after each of the ids [B, T], and the state after the last one.

        A state is [state_parts, layers, B, hidden_size]; None: all zeros. `masks`: the dropout of each of the B rows.
        """
        hidden, new_state = self._hidden(ids, state, masks)
        return self.logits(hidden), new_state

    def with_next_token(self, ids: Tensor, state: Tensor, masks: Masks | None) -> tuple[Tensor, Tensor]:
        """The same, followed by the logits of the next token [B, T, outputs + vocabulary_size]."""
        hidden, new_state = self._hidden(ids, state, masks)
        return torch.cat([self.logits(hidden), self.next_token(hidden)], 2), new_state

    def _hidden(self, ids: Tensor, state: Tensor | None, masks: Masks | None) -> tuple[Tensor, Tensor]:
        """The output of the last layer [B, T, hidden_size], and the state."""
        if state is None:
            state = self.initial_state(ids.shape[0])
        vectors = self.input_vectors(ids)
        if masks is not None and self.config.embedding_size:
            vectors = vectors * masks.embedding
        if masks is None:
            return self._recur(self.rnn, vectors, state)
        return self._masked(vectors, state, masks)

    def logits(self, hidden: Tensor) -> Tensor:
        """The logits [..., outputs] of outputs of the last layer [..., hidden_size]."""
        if isinstance(self.output, TiedOutput):
            tied: Tensor = self.output(hidden, self.embedding.weight)
            return tied
        logits: Tensor = self.output(hidden)
        return functional.pad(logits, (1, 0)) if self.config.output_size == 1 else logits

    def _recur(self, module: nn.RNNBase, vectors: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """The output of a module's last layer at every step, and the state of all its layers after the last step."""
        if self.config.cell == "lstm":
            hidden, parts = module(vectors, tuple(state))
            return hidden, torch.stack(parts)
        own = self.config.cell == "rnn" and vectors.device.type == "cpu" and torch.is_grad_enabled()
        own = own and not torch.is_autocast_enabled("cpu")  # runs of earlier releases are resumed in bfloat16
        hidden, part = vanilla.recur(module, vectors, state[0]) if own else module(vectors, state[0])
        return hidden, part[None]

    def _masked(self, hidden: Tensor, state: Tensor, masks: Masks) -> tuple[Tensor, Tensor]:
        """The same for all layers, one after the other, with dropout applied to the output of each."""
        states = []
        for number, (layer, mask) in enumerate(zip(self._layers, masks.layers, strict=True)):
            hidden, new_state = self._recur(layer, hidden, state[:, number : number + 1])
            hidden = hidden * mask.to(hidden.dtype)
            states.append(new_state)
        return hidden, torch.cat(states, 1)

    def _layer(self, number: int) -> nn.RNNBase:
        """One layer as a module of its own that shares the weights."""
        config = self.config
        wide = config.hidden_size if number else config.input_size
        layer = MODULES[config.cell](wide, config.hidden_size, batch_first=True, device="meta")
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            setattr(layer, f"{name}_l0", getattr(self.rnn, f"{name}_l{number}"))
        return layer

    def masks(self, batch_size: int) -> Masks | None:
        """Random masks for one segment; None without dropout."""
        if not self.dropout:
            return None
        config, like = self.config, self.output.bias
        return Masks(
            _mask(like, batch_size, config.input_size, self.dropout / 2),
            tuple(_mask(like, batch_size, config.hidden_size, self.dropout) for _ in range(config.layers)),
        )

    def initial_state(self, batch_size: int) -> Tensor:
        """The state before the first token, [state_parts, layers, batch_size, hidden_size], all zeros."""
        config = self.config
        return self.output.bias.new_zeros(config.state_parts, config.layers, batch_size, config.hidden_size)

    def input_vectors(self, ids: Tensor) -> Tensor:
        """Each id's vector x_t, [..., input_size]: a row of the embedding, or one-hot."""
        if self.config.embedding_size:
            vectors: Tensor = self.embedding(ids)
            return vectors
        return functional.one_hot(ids, self.config.vocabulary_size).to(self.output.bias.dtype)

    def weights(self) -> dict[str, npt.NDArray[np.float32]]:
        """A copy of the weights, in the order of `ModelConfig.shapes`, then those for training alone."""
        tensors = self.state_dict()
        if isinstance(self.output, TiedOutput):
            tensors["output.weight"] = self.output.weight(self.embedding.weight)
        published = self.config.shapes()
        names = [*published, *(name for name in tensors if name not in published)]
        return {name: tensors[name].detach().cpu().float().numpy().copy() for name in names}

    def load_weights(self, weights: Weights) -> None:
        """Take a checkpoint's weights. Raises RuntimeError, naming them, when names or shapes do not fit."""
        tensors = {name: torch.from_numpy(np.array(weight)) for name, weight in weights.items()}
        if isinstance(self.output, TiedOutput):
            del tensors["output.weight"]  # the product of others
        self.load_state_dict(tensors)


def _mask(like: Tensor, batch_size: int, width: int, dropout: float) -> Tensor:
    """0 for dropped elements; the others are scaled up, so that the expected value stays the same."""
    return like.new_empty(batch_size, 1, width).bernoulli_(1 - dropout) / (1 - dropout)
