"""The recurrent cells as equations, one step at a time: documentation, and a reference for tests; knows no torch and no
batch.

Every vector is a column: x [input_size], h and c [hidden_size], y [vocabulary_size]. The same parameters serve every
time step. Weights are named and laid out as in `ModelConfig.shapes`, the gates of a cell stacked along the rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from charrnn.config import GATES, ModelConfig

Vector = npt.NDArray[np.floating[Any]]
Matrix = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False, slots=True)
class LayerWeights:
    """One layer's parameters: `W_xh` [gates * hidden_size, input_size], `W_hh` [gates * hidden_size, hidden_size],
    and the two biases that torch keeps, `b_xh` and `b_hh` [gates * hidden_size]."""

    W_xh: Matrix
    W_hh: Matrix
    b_xh: Vector
    b_hh: Vector

    @classmethod
    def of(cls, weights: Mapping[str, Matrix], layer: int) -> LayerWeights:
        """A layer's parameters out of a checkpoint's weights."""
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        return cls(*(weights[f"rnn.{name}_l{layer}"] for name in names))

    def gates(self, count: int) -> list[LayerWeights]:
        """The parameters of each of the cell's gates, in the order in which they are stacked."""
        parts = (np.split(array, count) for array in (self.W_xh, self.W_hh, self.b_xh, self.b_hh))
        return [LayerWeights(*gate) for gate in zip(*parts, strict=True)]


def sigmoid(a: Vector) -> Vector:
    """1 / (1 + e^-a), written with tanh so that no exponential overflows."""
    return np.asarray((np.tanh(a / 2) + 1) / 2)


def rnn(W: LayerWeights, x: Vector, h: Vector) -> Vector:
    """One step of the vanilla recurrent network: h_t (Elman: Finding Structure in Time, 1990).

    h_t = tanh(W_xh x_t + W_hh h_{t-1} + b)
    """
    b = W.b_xh + W.b_hh
    return np.asarray(np.tanh(W.W_xh @ x + W.W_hh @ h + b))


def gru(W: LayerWeights, x: Vector, h: Vector) -> Vector:
    """One step of the gated recurrent unit: h_t (Cho et al.: Learning Phrase Representations, 2014).

    r_t = sigmoid(W_xr x_t + W_hr h_{t-1} + b_r)                      reset: how much of the past the candidate sees
    z_t = sigmoid(W_xz x_t + W_hz h_{t-1} + b_z)                      update: how much of the past stays
    n_t = tanh(W_xn x_t + b_xn + r_t * (W_hn h_{t-1} + b_hn))         candidate
    h_t = (1 - z_t) * n_t + z_t * h_{t-1}

    The variant is cuDNN's and torch's: the reset gate acts after the product with W_hn, which therefore has a bias of
    its own.
    """
    r, z, n = W.gates(GATES["gru"])
    r_t = sigmoid(r.W_xh @ x + r.W_hh @ h + r.b_xh + r.b_hh)
    z_t = sigmoid(z.W_xh @ x + z.W_hh @ h + z.b_xh + z.b_hh)
    n_t = np.tanh(n.W_xh @ x + n.b_xh + r_t * (n.W_hh @ h + n.b_hh))
    return np.asarray((1 - z_t) * n_t + z_t * h)


def lstm(W: LayerWeights, x: Vector, h: Vector, c: Vector) -> tuple[Vector, Vector]:
    """One step of the long short-term memory: (h_t, c_t) (Hochreiter, Schmidhuber, 1997; with the forget gate of Gers,
    Schmidhuber, Cummins: Learning to Forget, 2000).

    i_t = sigmoid(W_xi x_t + W_hi h_{t-1} + b_i)      input
    f_t = sigmoid(W_xf x_t + W_hf h_{t-1} + b_f)      forget
    g_t = tanh(W_xg x_t + W_hg h_{t-1} + b_g)         candidate
    o_t = sigmoid(W_xo x_t + W_ho h_{t-1} + b_o)      output
    c_t = f_t * c_{t-1} + i_t * g_t
    h_t = o_t * tanh(c_t)
    """
    a_i, a_f, a_g, a_o = (g.W_xh @ x + g.W_hh @ h + g.b_xh + g.b_hh for g in W.gates(GATES["lstm"]))
    i_t, f_t, g_t, o_t = sigmoid(a_i), sigmoid(a_f), np.tanh(a_g), sigmoid(a_o)
    c_t = f_t * c + i_t * g_t
    return np.asarray(o_t * np.tanh(c_t)), np.asarray(c_t)


def step(config: ModelConfig, weights: Mapping[str, Matrix], token: int, state: Matrix) -> tuple[Vector, Matrix]:
    """One step of the whole network: the logits y_t [vocabulary_size] of what follows `token`, and the new state
    [layers, state_parts, hidden_size]. y_t = W_hy h_t + b_y, with h_t of the last layer."""
    x: Vector = weights["embedding.weight"][token] if config.embedding_size else np.eye(config.vocabulary_size)[token]
    new_state = np.empty_like(state)
    for layer in range(config.layers):
        W = LayerWeights.of(weights, layer)
        if config.cell == "lstm":
            new_state[layer] = lstm(W, x, state[layer, 0], state[layer, 1])
        else:
            new_state[layer, 0] = (rnn if config.cell == "rnn" else gru)(W, x, state[layer, 0])
        x = new_state[layer, 0]
    return weights["output.weight"] @ x + weights["output.bias"], new_state


def initial_state(config: ModelConfig) -> Matrix:
    """The state before the first token, [layers, state_parts, hidden_size], all zeros."""
    return np.zeros(config.state_shape)
