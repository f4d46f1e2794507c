"""A checkpoint's network in torch's operations: its padded weights, and one step of a tile; knows no sequences."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from charrnn.checkpoint import Checkpoint
from charrnn.config import GATES

TILE: Final = 8
"""Rows that are computed together, always this many: a row's arithmetic must not change with the number of rows."""

WIDTH_MULTIPLE: Final = 16
"""Every width is padded with zeros to a multiple of this: with other widths, BLAS products and torch's vectorized
functions treat the last rows and columns differently from the others."""


class Network:
    """The network on a torch device. `hidden_size` is the padded one."""

    def __init__(self, checkpoint: Checkpoint, device: str = "cpu") -> None:
        self.config = config = checkpoint.config
        self.following, self.ngrams = checkpoint.following, checkpoint.ngrams
        self.device = torch.device(device)
        weights = dict(checkpoint.weights)
        weights["output.weight"], weights["output.bias"] = checkpoint.output_weights
        self._weights = {
            name: self._padded(name, torch.tensor(weight, device=device)) for name, weight in weights.items()
        }
        self.hidden_size = rounded(config.hidden_size)
        # One row for each id. A column of the matrix, transposed, would hand its layout on to the states, and cuBLAS
        # chooses other kernels, which sum in another order, for factors of another layout.
        self._columns = self._weights["rnn.weight_ih_l0"].T.contiguous()

    def advance(self, ids: Tensor, hidden: Tensor, held: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """One step of a tile: logits [rows, at least outputs] after the ids [rows], -inf beyond the outputs, and the
        new state, of the same shape as the old one, `hidden` [rows, layers, state_parts, padded hidden_size].
        Where `held`, of that shape too, is not NaN, it replaces what a layer computes (`charrnn.engine.steering`).

        Equations: `charrnn.cells`. For the same bits, the number of rows must be the same.
        """
        layers = []
        x: Tensor | None = None
        for layer in range(self.config.layers):
            gates_x = self._input_gates(ids) if x is None else self._affine(x, f"rnn.weight_ih_l{layer}")
            gates_h = self._affine(hidden[:, layer, 0], f"rnn.weight_hh_l{layer}")  # [rows, gates * hidden_size]
            new = self._cell(gates_x, gates_h, hidden[:, layer])  # [rows, state_parts, hidden_size]
            if held is not None:
                new = torch.where(held[:, layer].isnan(), new, held[:, layer])
            x = new[:, 0]
            layers.append(new)
        assert x is not None  # ModelConfig has at least one layer
        return self._affine(x, "output.weight"), torch.stack(layers, 1)

    def _input_gates(self, ids: Tensor) -> Tensor:
        """What the ids [rows] add to the first layer's gates, [rows, gates * hidden_size]."""
        if self.config.embedding_size:
            return self._affine(self._weights["embedding.weight"][ids], "rnn.weight_ih_l0")
        # The product with a one-hot vector is a column of the matrix.
        return self._columns[ids] + self._weights["rnn.bias_ih_l0"]

    def _affine(self, x: Tensor, name: str) -> Tensor:
        """[rows, inputs] to [rows, outputs], with the weight of this name and its bias."""
        return torch.addmm(self._weights[name.replace("weight", "bias")], x, self._weights[name].T)

    def _cell(self, gates_x: Tensor, gates_h: Tensor, state: Tensor) -> Tensor:
        """A layer's new state [rows, state_parts, hidden_size] from its gates' sums [rows, gates * hidden_size] and
        the old one."""
        if self.config.cell == "rnn":
            return torch.tanh(gates_x + gates_h)[:, None]
        if self.config.cell == "gru":
            (r_x, z_x, n_x), (r_h, z_h, n_h) = gates_x.chunk(3, 1), gates_h.chunk(3, 1)
            r, z = torch.sigmoid(r_x + r_h), torch.sigmoid(z_x + z_h)
            return ((1 - z) * torch.tanh(n_x + r * n_h) + z * state[:, 0])[:, None]
        i, f, g, o = (gates_x + gates_h).chunk(4, 1)
        c = torch.sigmoid(f) * state[:, 1] + torch.sigmoid(i) * torch.tanh(g)
        return torch.stack((torch.sigmoid(o) * torch.tanh(c), c), 1)

    def _padded(self, name: str, weight: Tensor) -> Tensor:
        """The weight padded with zeros to a WIDTH_MULTIPLE: in each gate's rows and in the columns, except the columns
        of one-hot ids and the rows of an embedding, which are looked up. Padding units stay zero in all three cells.
        The bias of a padding id is -inf, so that it is never chosen."""
        if name == "embedding.weight":
            return functional.pad(weight, (0, -weight.shape[1] % WIDTH_MULTIPLE))
        gates = GATES[self.config.cell] if name.startswith("rnn.") else 1
        parts = weight.reshape(gates, weight.shape[0] // gates, -1)  # [gates, rows, columns or 1]
        looked_up = name == "rnn.weight_ih_l0" and not self.config.embedding_size
        columns = 0 if looked_up or weight.ndim == 1 else -parts.shape[2] % WIDTH_MULTIPLE
        filling = float("-inf") if name == "output.bias" else 0
        padded = functional.pad(parts, (0, columns, 0, -parts.shape[1] % WIDTH_MULTIPLE), value=filling).flatten(0, 1)
        return padded.contiguous() if weight.ndim == 2 else padded[:, 0].contiguous()


def rounded(width: int) -> int:
    """The width, rounded up to a multiple of WIDTH_MULTIPLE."""
    return -(-width // WIDTH_MULTIPLE) * WIDTH_MULTIPLE
