"""The engine for GPUs: batches that advance by tensor operations on a torch device, in tiles; knows no kernels."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from charrnn.checkpoint import Checkpoint
from charrnn.engine.base import Logprobs, Output, Sequence, State
from charrnn.engine.gpu.orders import NOBODY, PLACE, Row, orders_for, place_of
from charrnn.engine.gpu.reference import TILE, ReferenceEngine
from charrnn.engine.gpu.tile import STEPS, Kind, Results, Tile
from charrnn.engine.members import Member, check
from charrnn.sampling import Logits, bias_of
from charrnn.torch_threads import one_thread

CUDA_TILE: Final = 64
"""Rows of a tile on a GPU, which one row would leave idle. It belongs to a version's numbers: another size may choose
other kernels, which sum in another order."""

Slots = npt.NDArray[np.int64]


def gpu_available() -> bool:
    """Whether torch finds a GPU that it can use."""
    return torch.cuda.is_available()


class CudaEngine:
    """One version's numbers on a torch device, a GPU unless a test says otherwise; implements
    `charrnn.engine.base.Engine`. `tile` is how many rows are computed together."""

    def __init__(self, checkpoint: Checkpoint, device: str = "cuda", tile: int | None = None) -> None:
        # TF32 rounds the factors of products to 10 bits: texts would be other ones than a GPU without it gives, or the
        # reference. It is off, unless something else in the process has turned it on.
        torch.backends.cuda.matmul.allow_tf32 = False
        self.config = checkpoint.config
        self.device = torch.device(device)
        rows = tile or (CUDA_TILE if self.device.type == "cuda" else TILE)
        self.tile = Tile(ReferenceEngine(checkpoint, device), rows)

    @property
    def description(self) -> str:
        """What generates, for the log."""
        return f"{self.config.cell} in float32 with torch on {self.device}"

    def batch(self, capacity: int) -> CudaBatch:
        """An empty batch for up to `capacity` sequences. Raises ValueError when that is less than 1."""
        return CudaBatch(self, capacity)


class CudaBatch:
    """Sequences that advance together, as charrnn.engine.base.Batch says; each keeps its slot until it is removed.

    Of a sequence the device keeps the hidden state; all else is known here, and goes there with each call.
    """

    def __init__(self, engine: CudaEngine, capacity: int) -> None:
        if capacity < 1:
            raise ValueError(f"capacity must be at least 1, not {capacity}")
        self._config, self._device, self._tile = engine.config, engine.device, engine.tile
        # One slot more than sequences: what fills up the last tile is read from there and written there.
        self._hidden = self._tile.hidden.new_zeros(capacity + 1, *self._tile.hidden.shape[1:])
        self._biases: Tensor | None = None  # [capacity + 1, width], once a sequence has one
        self._places = np.array([NOBODY] * (capacity + 1), dtype=PLACE)
        self._rows: dict[int, Row] = {}
        self._slots: dict[int, int] = {}
        self._free = list(range(capacity - 1, -1, -1))
        self._done_at_once: list[int] = []
        self._handles = 0

    def __len__(self) -> int:
        return len(self._slots)

    def add(self, sequence: Sequence) -> int:
        """Take a sequence in before the next step; returns its handle.

        Raises OverflowError when the batch is full, ValueError for a sequence without anything to follow, an id
        outside the vocabulary (of a bias or allowed ones as well), no allowed id or a state of another shape.
        """
        check(sequence, self._config)
        bias = bias_of(sequence.sampling, self._config.vocabulary_size)
        if not self._free:
            raise OverflowError(f"the batch is full with {len(self)} sequences")
        slot, self._handles = self._free.pop(), self._handles + 1
        state, size = sequence.state, self._config.vocabulary_size
        latest = (state.recent, state.generated) if state else (sequence.prompt[:1], np.zeros(1, np.bool_))
        row = Row(Member.of(self._handles, sequence, size), *latest)
        self._set_bias(slot, bias)
        self._hidden[slot] = 0
        if state is not None:
            self._hidden[slot, :, :, : self._config.hidden_size] = torch.tensor(state.hidden)
        self._places[slot] = place_of(row, sequence, size)
        if not (row.member.prompt.size or row.member.ids.size):
            self._done_at_once.append(slot)
        self._rows[slot], self._slots[self._handles] = row, slot
        return self._handles

    def remove(self, handle: int) -> None:
        """Let a sequence go, done or not. Raises KeyError for an unknown handle."""
        slot = self._slots.pop(handle)
        self._places[slot] = NOBODY
        self._done_at_once = [other for other in self._done_at_once if other != slot]
        del self._rows[slot]
        self._free.append(slot)

    def state(self, handle: int) -> State:
        """What a sequence remembers now, a copy. Raises KeyError for an unknown handle."""
        slot = self._slots[handle]
        place = self._places[slot]
        hidden = self._hidden[slot, :, :, : self._config.hidden_size].cpu().numpy().copy()
        return State(hidden, int(place["last"]), int(place["position"]), *self._rows[slot].recent(place))

    def step(self, steps: int) -> list[Output]:
        """Advance every sequence that is not done by up to `steps` ids, read or chosen."""
        stepped = self._done_at_once + self._active().tolist()
        self._done_at_once = []
        with torch.inference_mode(), one_thread():
            while steps > 0 and (active := self._active()).size:
                steps -= self._advance(active, min(steps, STEPS))
        outputs = []
        for slot in stepped:
            place, member = self._places[slot], self._rows[slot].member
            if not place["unread"] and (output := member.output(member.ids.size - int(place["left"]))):
                outputs.append(output)
        return outputs

    def _set_bias(self, slot: int, bias: Logits | None) -> None:
        if self._biases is None and bias is not None:
            self._biases = self._hidden.new_zeros(len(self._places), self._tile.width)
        if self._biases is not None:
            self._biases[slot] = 0
        if self._biases is not None and bias is not None:
            self._biases[slot, : bias.size] = torch.from_numpy(bias)

    def _active(self) -> Slots:
        """The slots of the sequences that are not done, those side by side that take the same kind of step."""
        places = self._places
        slots = np.flatnonzero(places["unread"] + places["left"])
        return slots[np.lexsort((places["filtered"][slots], places["biased"][slots], _top(places[slots])))]

    def _advance(self, slots: Slots, steps: int) -> int:
        """Advance the sequences in these slots, the device being waited for at the end alone; how many steps it was."""
        tile, places = self._tile, self._places[slots]
        steps = min(steps, int((places["unread"] + places["left"]).max()))
        places = np.append(places, np.array([NOBODY] * (-slots.size % tile.rows), dtype=PLACE))
        rows = [self._rows[slot] for slot in slots.tolist()]
        orders = orders_for(places, rows, steps, tile.width, self._device)
        spare = len(self._places) - 1
        filled = torch.from_numpy(np.append(slots, np.full(len(places) - slots.size, spare))).to(self._device)
        results = [
            tile.run(orders, start, self._hidden, self._biases, filled, self._kind(places[start : start + tile.rows]))
            for start in range(0, len(places), tile.rows)
        ]
        self._take(slots, rows, results, steps)
        return steps

    def _kind(self, places: npt.NDArray[Any]) -> Kind:
        """What a tile of these has to do. Few kinds are recorded: of the likeliest, a power of two, none or all."""
        top = int(_top(places).max())
        rounded_up = min(top and 1 << (top - 1).bit_length(), self._tile.width) if top >= 0 else None
        return Kind(bool(places["filtered"].any()), bool(places["biased"].any()), rounded_up)

    def _take(self, slots: Slots, rows: list[Row], results: list[Results], steps: int) -> None:
        """Read what has come out, and keep it."""
        ids = torch.cat([result.ids for result in results], 1).cpu().numpy()
        told = [_told(result) for result in results]
        places = self._places[slots]
        reads = np.minimum(places["unread"], steps)
        made = np.minimum(places["unread"] + places["left"], steps)
        for i, row in enumerate(rows):
            of_tile, column = told[i // self._tile.rows], i % self._tile.rows
            mine = of_tile and Logprobs(of_tile.chosen[:, column], of_tile.top_ids[:, column], of_tile.top[:, column])
            row.take(places[i], ids[: made[i], i], mine)
        columns = np.arange(len(rows))
        places["before"] = np.where(made > 1, ids[made - 2, columns], places["last"])
        places["last"] = ids[made - 1, columns]
        places["unread"] -= reads
        places["left"] -= made - reads
        places["position"] += made - reads
        self._places[slots] = places


def _top(places: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """How many of the likeliest ids are to be told of in each place, -1: nothing at all."""
    return np.asarray(np.maximum(np.where(places["unread"] > 0, places["prompt_top"], -1), places["top"]))


def _told(result: Results) -> Logprobs | None:
    return Logprobs(*(numbers.cpu().numpy() for numbers in result.told)) if result.told else None
