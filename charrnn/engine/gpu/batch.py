"""The GPU engine: batches that advance by tensor operations on a torch device, in tiles; knows no compiled kernels."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from charrnn.checkpoint import Checkpoint
from charrnn.engine.base import TREE_WIDTH, Logprobs, Output, Sequence, Series, State
from charrnn.engine.gpu.fitting import AFTER, AutomatonTable
from charrnn.engine.gpu.inputs import EMPTY_ROW, ROW, inputs_for, reported, row_of
from charrnn.engine.gpu.network import TILE, Network
from charrnn.engine.gpu.states import DeviceBatch
from charrnn.engine.gpu.tile import STEPS, Kind, Results, Tile
from charrnn.engine.refilled import RefilledBatch
from charrnn.engine.sequences import Member, outputs_of
from charrnn.engine.tree import BatchTree
from charrnn.torch_threads import one_thread

GPU_TILE: Final = 64
"""Rows of a tile on a GPU, which a single row would leave mostly idle. Results depend on it: with another size torch
may choose other kernels, which sum in another order."""

Slots = npt.NDArray[np.int64]


def gpu_available() -> bool:
    """Whether torch finds a GPU that it can use."""
    return torch.cuda.is_available()


class GpuEngine:
    """One version's numbers on a torch device, a GPU except in tests; implements `charrnn.engine.base.Engine`. `tile`
    is how many rows are computed together. Raises ValueError for a version with an n-gram table, which the CPU engine
    serves."""

    def __init__(self, checkpoint: Checkpoint, device: str = "cuda", tile: int | None = None) -> None:
        # TF32 rounds the factors of products to 10 bits: texts would differ from those of a GPU without it and of the
        # reference engine. It is off by default, but other code in the process may have turned it on.
        torch.backends.cuda.matmul.allow_tf32 = False
        if checkpoint.ngrams is not None:
            raise ValueError("ngrams must be None: the GPU engine does not mix counts with logits")
        self.config = checkpoint.config
        self.device = torch.device(device)
        rows = tile or (GPU_TILE if self.device.type == "cuda" else TILE)
        self.tile = Tile(Network(checkpoint, device), rows)

    @property
    def precision(self) -> str:
        """The numbers of torch on this kind of device, which sums in another order than the CPU engine."""
        return f"float32-{self.device.type}-{self.tile.rows}"

    @property
    def description(self) -> str:
        """The network and the device, for the log."""
        return f"{self.config.cell} in float32 with torch on {self.device}"

    def batch(self, capacity: int) -> GpuBatch:
        """An empty batch for up to `capacity` sequences. Raises ValueError when that is less than 1."""
        return GpuBatch(self.tile, capacity)

    def series(self, series: Series, slots: int) -> RefilledBatch:
        """A batch that generates the series, `slots` candidates at a time. Raises ValueError for a series that cannot
        be generated, and for less than one slot."""
        return RefilledBatch(self.batch(slots), slots, self.config, series)

    def tree(self, state: State, nodes: int) -> BatchTree:
        """The tree of texts that begin with the state's, for at most `nodes` nodes. Raises ValueError for a state of
        another shape, once it grows."""
        return BatchTree(self.batch(TREE_WIDTH), self.config, state, nodes)


class GpuBatch(DeviceBatch):
    """Implements charrnn.engine.base.Batch; each sequence keeps its slot until it is removed.

    Only hidden states are kept on the device; everything else is kept here and sent with each call.
    """

    def __init__(self, tile: Tile, capacity: int) -> None:
        super().__init__(tile.network, capacity)
        self._tile = tile
        self._biases: Tensor | None = None  # [capacity + 1, width], once a sequence has one
        self._automata = AutomatonTable(tile.width, tile.network.device)
        self._rows = np.array([EMPTY_ROW] * capacity, dtype=ROW)

    def add(self, sequence: Sequence) -> int:
        """Add a sequence before the next step; returns its handle. Raises as `DeviceBatch.add` does."""
        handle = super().add(sequence)
        member = self._members[handle]
        self._rows[member.slot] = row_of(member, self._network.config.outputs)
        self._set_bias(member)
        if sequence.fit is not None:
            self._automata.take(sequence.fit.automaton)
        return handle

    def remove(self, handle: int) -> None:
        """Remove a sequence, done or not. Raises KeyError for an unknown handle."""
        fit = self._members[handle].sequence.fit
        super().remove(handle)
        if fit is not None:
            self._automata.leave(fit.automaton)

    def step(self, steps: int) -> list[Output]:
        """Advance every sequence that is not done by up to `steps` ids, read or chosen."""
        stepped = self._members.done_at_once() + self._members.active()
        with torch.inference_mode(), one_thread():
            while steps > 0 and (active := [member for member in stepped if member.remaining]):
                steps -= self._advance(active, min(steps, STEPS))
        return outputs_of(stepped)

    def _set_bias(self, member: Member) -> None:
        if self._biases is None and member.bias is not None:
            self._biases = self._states.tensor.new_zeros(len(self._states.tensor), self._tile.width)
        if self._biases is not None:
            self._biases[member.slot] = 0
        if self._biases is not None and member.bias is not None:
            self._biases[member.slot, : member.bias.size] = torch.from_numpy(member.bias)

    def _advance(self, members: list[Member], steps: int) -> int:
        """Advance the members, waiting for the device only at the end; returns the number of steps."""
        tile, device = self._tile, self._network.device
        steps = min(steps, max(member.remaining for member in members))
        slots, members, rows, top = self._side_by_side(members)
        n = len(members) + -len(members) % tile.rows
        table = self._automata.tensor if rows["fits"].any() else None
        automata = None if table is None else self._automata
        inputs = inputs_for(members, rows, n, steps, width=tile.width, device=device, automata=automata)
        filled = torch.from_numpy(np.append(slots, np.full(n - len(members), self._states.spare))).to(device)
        results = []
        for start in range(0, n, tile.rows):
            part = slice(start, start + tile.rows)
            kind = self._kind(rows[part], top[part], table)
            held = self._held.tensor
            results.append(
                tile.run(
                    *(kind, inputs, start),
                    slots=filled,
                    hidden=self._states.tensor,
                    biases=self._biases,
                    held=held,
                    table=table,
                )
            )
        self._take(members, results, steps)
        return steps

    def _side_by_side(self, members: list[Member]) -> tuple[Slots, list[Member], npt.NDArray[Any], Slots]:
        """The members, sorted so that those with the same kind of step are adjacent: their slots [n], members, ROWs
        [n], and how many of the likeliest ids each reports [n]."""
        slots = np.array([member.slot for member in members], dtype=np.int64)
        rows = self._rows[slots]
        top = reported(rows, members)
        order = np.lexsort(
            (slots, rows["filtered"], rows["biased"], rows["holds"], rows["end_id"] >= 0, rows["fits"], top)
        )
        return slots[order], [members[i] for i in order.tolist()], rows[order], top[order]

    def _kind(self, rows: npt.NDArray[Any], top: Slots, table: Tensor | None) -> Kind:
        """What a tile with these rows has to do. To limit the number of captured kinds, `top` is a power of two, none
        or all, and so is the size of the table of automata."""
        most = int(top.max())
        rounded_up = min(most and 1 << (most - 1).bit_length(), self._tile.width) if most >= 0 else None
        fits = bool(rows["fits"].any())
        return Kind(
            filters=bool(rows["filtered"].any()),
            bias=bool(rows["biased"].any()),
            held=bool(rows["holds"].any()),
            ends=fits or bool((rows["end_id"] >= 0).any()),
            fits=1 << (table.numel() - 1).bit_length() if table is not None and fits else 0,
            top=rounded_up,
        )

    def _take(self, members: list[Member], results: list[Results], steps: int) -> None:
        """Store the results in the members."""
        ids = torch.cat([result.ids for result in results], 1).cpu().numpy()  # [steps, rows]
        logprobs = [_on_host(result) for result in results]
        fits = [_fits_on_host(result) for result in results]
        for i, member in enumerate(members):
            of_tile, column = logprobs[i // self._tile.rows], i % self._tile.rows
            made, completed = min(member.remaining, steps), False
            if (fitted := fits[i // self._tile.rows]) is not None:
                made, completed = _until_completed(made, fitted[0][:made, column])
                self._rows["fit_state"][member.slot] = fitted[1][column]
            if of_tile is not None:
                _write(member, made, of_tile, column)
            first = member.computed + 1
            member.ids[first : first + made] = ids[:made, i]  # those of the prompt stay the same
            member.advance_to(member.computed + made, completed=completed)


def _until_completed(steps: int, completed: npt.NDArray[np.int64]) -> tuple[int, bool]:
    """How many ids a row has got in so many steps, and whether the pattern has ended its text: in a step in which
    `completed` [steps] is not 0."""
    found = np.flatnonzero(completed)
    if not found.size:
        return steps, False
    return int(found[0]) + int(completed[found[0]] == AFTER), True


def _write(member: Member, made: int, of_tile: Logprobs, column: int) -> None:
    """Store the log-probabilities of the next `made` ids from the column of [steps, rows]; a tile has more likeliest
    ids than requested if another row requests more."""
    first, asked = member.computed + 1, member.reported_ids
    start, stop = max(first, asked.start), min(first + made, asked.stop)
    if member.logprobs is None or start >= stop:
        return
    steps, top = slice(start - first, stop - first), member.logprobs.top.shape[1]
    member.logprobs.chosen[start:stop] = of_tile.chosen[steps, column]
    member.logprobs.top_ids[start:stop] = of_tile.top_ids[steps, column, :top]
    member.logprobs.top[start:stop] = of_tile.top[steps, column, :top]


def _fits_on_host(result: Results) -> tuple[Slots, Slots] | None:
    """How patterns end texts [steps, rows], and the states of their automata [rows]."""
    if result.completed is None or result.states is None:
        return None
    return result.completed.cpu().numpy(), result.states.cpu().numpy()


def _on_host(result: Results) -> Logprobs | None:
    return Logprobs(*(numbers.cpu().numpy() for numbers in result.logprobs)) if result.logprobs else None
