"""The reference engine: torch products and `charrnn.sampling`, plain rather than fast; what faster ones are held to."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from charrnn.checkpoint import Checkpoint
from charrnn.config import GATES
from charrnn.engine.base import Output, Sequence, State
from charrnn.engine.gpu.bookkeeping import Row, check
from charrnn.torch_threads import one_thread

TILE: Final = 8
"""Rows that are computed together, always this many: a row's arithmetic must not change with the number of rows."""

LANES: Final = 16
"""Every width is rounded up to a multiple of this, the rest zero: with the odd widths that remain, the products of
the BLAS and the vectorized functions of torch treat the last rows and columns unlike the others."""


class ReferenceEngine:
    """A checkpoint's network on a torch device; implements `charrnn.engine.base.Engine`."""

    def __init__(self, checkpoint: Checkpoint, device: str = "cpu") -> None:
        self.config = config = checkpoint.config
        self.following = checkpoint.vocabulary.following
        self.device = torch.device(device)
        self._weights = {
            name: self._padded(name, torch.tensor(checkpoint.weights[name], device=device)) for name in config.shapes()
        }
        self.hidden_size = rounded(config.hidden_size)

    def batch(self, capacity: int) -> ReferenceBatch:
        """An empty batch. Raises ValueError when the capacity is not positive."""
        return ReferenceBatch(self, capacity)

    def advance(self, ids: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """One step of a tile: logits [TILE, at least vocabulary_size] of what follows the ids [TILE], -inf beyond the
        vocabulary, and the new state [TILE, layers, state_parts, padded hidden_size]. Equations: `charrnn.cells`."""
        layers = []
        x: Tensor | None = None
        for layer in range(self.config.layers):
            gates_x = self._input_gates(ids) if x is None else self._affine(x, f"rnn.weight_ih_l{layer}")
            gates_h = self._affine(hidden[:, layer, 0], f"rnn.weight_hh_l{layer}")
            new = self._cell(gates_x, gates_h, hidden[:, layer])
            x = new[:, 0]
            layers.append(new)
        assert x is not None  # ModelConfig has at least one layer
        return self._affine(x, "output.weight"), torch.stack(layers, 1)

    def _input_gates(self, ids: Tensor) -> Tensor:
        if self.config.embedding_size:
            return self._affine(self._weights["embedding.weight"][ids], "rnn.weight_ih_l0")
        # The product with a one-hot vector is a column of the matrix.
        return self._weights["rnn.weight_ih_l0"][:, ids].T + self._weights["rnn.bias_ih_l0"]

    def _affine(self, x: Tensor, name: str) -> Tensor:
        """[TILE, inputs] to [TILE, outputs], with the bias that goes with the weight."""
        return torch.addmm(self._weights[name.replace("weight", "bias")], x, self._weights[name].T)

    def _cell(self, gates_x: Tensor, gates_h: Tensor, state: Tensor) -> Tensor:
        """A layer's new state [TILE, state_parts, hidden] from its gates' sums [TILE, gates * hidden] and the old."""
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
        """The weight with zeros up to LANES: in each gate's rows and in the columns, save the columns of one-hot ids
        and the rows of an embedding, which are looked up. Units made of zeros stay zero in all three cells. The bias
        of an id that there is not is -inf: whoever looks at all logits finds it impossible."""
        if name == "embedding.weight":
            return functional.pad(weight, (0, -weight.shape[1] % LANES))
        gates = GATES[self.config.cell] if name.startswith("rnn.") else 1
        parts = weight.reshape(gates, weight.shape[0] // gates, -1)  # [gates, rows, columns or 1]
        looked_up = name == "rnn.weight_ih_l0" and not self.config.embedding_size
        columns = 0 if looked_up or weight.ndim == 1 else -parts.shape[2] % LANES
        filling = float("-inf") if name == "output.bias" else 0
        padded = functional.pad(parts, (0, columns, 0, -parts.shape[1] % LANES), value=filling).flatten(0, 1)
        return padded.contiguous() if weight.ndim == 2 else padded[:, 0].contiguous()


class ReferenceBatch:
    """Sequences of one ReferenceEngine that advance together; implements `charrnn.engine.base.Batch`.

    A step reads one id of every sequence, and chooses the next when no id of the prompt is left. A prompt of n ids
    and `length` m therefore take n + m - 1 steps.
    """

    def __init__(self, engine: ReferenceEngine, capacity: int) -> None:
        if capacity < 1:
            raise ValueError(f"capacity must be at least 1, not {capacity}")
        config = engine.config
        self._engine = engine
        self._capacity = capacity
        # One slot more than sequences: what fills up the last tile is read from there and written there.
        shape = (capacity + 1, config.layers, config.state_parts, engine.hidden_size)
        self._hidden = torch.zeros(shape, device=engine.device)
        self._free = list(range(capacity))
        self._rows: dict[int, Row] = {}
        self._slots: dict[int, int] = {}
        self._next_handle = 0

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, sequence: Sequence) -> int:
        """Take a sequence in. Raises OverflowError when the batch is full, ValueError when the sequence cannot be
        generated: no prompt and no state, ids outside the vocabulary, a negative length, another network's state."""
        if not self._free:
            raise OverflowError(f"the batch is full: {self._capacity} sequences")
        check(sequence, self._engine.config)
        slot = self._free.pop()
        self._set_hidden(slot, sequence.state)
        handle, self._next_handle = self._next_handle, self._next_handle + 1
        self._rows[handle] = Row(sequence, self._engine.config.vocabulary_size, self._engine.following)
        self._slots[handle] = slot
        return handle

    def remove(self, handle: int) -> None:
        """Let a sequence go. Raises KeyError when there is no such sequence."""
        self._free.append(self._slots.pop(handle))
        del self._rows[handle]

    def state(self, handle: int) -> State:
        """What a sequence remembers now, a copy. Raises KeyError when there is no such sequence."""
        hidden = self._hidden[self._slots[handle], :, :, : self._engine.config.hidden_size]
        return self._rows[handle].state(hidden.cpu().numpy().copy())

    def step(self, steps: int) -> list[Output]:
        """Advance every sequence that is not done by up to `steps` ids, read or chosen."""
        with torch.inference_mode(), one_thread():
            for _ in range(steps):
                active = [handle for handle, row in self._rows.items() if not row.done]
                for start in range(0, len(active), TILE):
                    self._step_tile(active[start : start + TILE])
        outputs = (row.output(handle) for handle, row in self._rows.items())
        return [output for output in outputs if output is not None]

    def _step_tile(self, handles: list[int]) -> None:
        rows = [self._rows[handle] for handle in handles]
        empty = TILE - len(rows)
        device = self._engine.device
        slots = torch.tensor([self._slots[handle] for handle in handles] + [self._capacity] * empty, device=device)
        ids = torch.tensor([row.next_id for row in rows] + [0] * empty, device=device)
        logits, self._hidden[slots] = self._engine.advance(ids, self._hidden[slots])
        known = logits[:, : self._engine.config.vocabulary_size].cpu().numpy()
        for row, row_logits in zip(rows, known, strict=False):
            row.read(row_logits)

    def _set_hidden(self, slot: int, state: State | None) -> None:
        self._hidden[slot] = 0
        if state is not None:
            self._hidden[slot, :, :, : self._engine.config.hidden_size] = torch.tensor(state.hidden)


def rounded(width: int) -> int:
    """The width up to LANES."""
    return -(-width // LANES) * LANES
