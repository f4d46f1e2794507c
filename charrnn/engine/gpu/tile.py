"""A fixed number of rows that are computed together: their tensors, at fixed addresses, and a step that never waits for
the device; knows no sequences."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
import torch
from torch import Tensor

from charrnn.engine.gpu.fitting import WITHOUT, Choosable, FitRows
from charrnn.engine.gpu.graph import captured
from charrnn.engine.gpu.holding import during
from charrnn.engine.gpu.inputs import CHOOSE, NEUTRAL, REST, ROW, Inputs
from charrnn.engine.gpu.network import Network, rounded
from charrnn.engine.gpu.sampling import SamplingTensors, choose, logarithms, masking
from charrnn.sampling import RECENT_IDS

STEPS: Final = 64
"""Steps between two reads of the results."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a step does besides advancing and plain sampling; each kind is captured separately: `filters`, including
    penalties; adding a `bias` to the logits; cells that are `held`; looking whether rows have come to their `ends`;
    texts that have to fit, with a table of automata of up to `fits` numbers, 0 if there are none (then `ends` as well);
    log-probabilities with `top` of the likeliest ids, unless `top` is None."""

    filters: bool = False
    bias: bool = False
    held: bool = False
    ends: bool = False
    fits: int = 0
    top: int | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Results:
    """The results of steps: `ids` [steps, rows]; if log-probabilities are reported, the results of `logarithms`:
    [steps, rows], [steps, rows, top] and [steps, rows, top]; if texts have to fit, `completed` [steps, rows], how their
    patterns end them (`Choosable.advance`), and the `states` [rows] that automata are in after the steps."""

    ids: Tensor
    logprobs: tuple[Tensor, ...] = ()
    completed: Tensor | None = None
    states: Tensor | None = None


class Tile:
    """The tensors in which `rows` rows of any batch of a network are computed, by one thread at a time.

    All rows are computed at every step, so that shapes, and with them the order of sums, never change.
    """

    def __init__(self, network: Network, rows: int) -> None:
        config, device = network.config, network.device
        self.rows = rows
        self.width = rounded(config.outputs)
        self.hidden = torch.zeros(rows, config.layers, config.state_parts, network.hidden_size, device=device)
        self._bias = torch.zeros(rows, self.width, device=device)
        self._held = torch.full_like(self.hidden, torch.nan)
        self.network = network
        self._mask = masking(network.following, self.width, network.device)
        self._lock = threading.Lock()
        self._turn = torch.zeros(1, dtype=torch.int64, device=device)
        self._ended = torch.zeros(rows, dtype=torch.bool, device=device)
        self._inputs = self._resting()
        self._ids = torch.zeros(STEPS, rows, dtype=torch.int64, device=device)
        self._completed = torch.zeros_like(self._ids)
        self._fits = FitRows(*(torch.zeros_like(self._ids[0]) for _ in fields(FitRows)))
        self._tables: dict[int, Tensor] = {}  # by their sizes
        self._runs: dict[Kind, tuple[Callable[[], None], Results]] = {}

    def run(
        self,
        kind: Kind,
        inputs: Inputs,
        start: int,
        *,
        slots: Tensor,
        hidden: Tensor,
        biases: Tensor | None,
        held: Tensor | None,
        table: Tensor | None,
    ) -> Results:
        """Advance the rows from `start` on, of the n rows of the inputs, by up to STEPS steps; their states are in
        `hidden`, at the slots [n], their logit biases in `biases`, what they hold in `held`, and the automata that they
        have to fit in `table`."""
        part, steps = slice(start, start + self.rows), len(inputs.coming)
        with self._lock:
            step, results = self._runs.get(kind) or self._capture(kind)
            self._load(inputs, part, kind)
            torch.index_select(hidden, 0, slots[part], out=self.hidden)
            if kind.bias and biases is not None:
                torch.index_select(biases, 0, slots[part], out=self._bias)
            if kind.held and held is not None:
                torch.index_select(held, 0, slots[part], out=self._held)
            if kind.fits and table is not None:
                self._tables[kind.fits][: table.numel()].copy_(table)
            for _ in range(steps):
                step()
            hidden.index_copy_(0, slots[part], self.hidden)
            return Results(
                results.ids[:steps].clone(),
                tuple(each[:steps].clone() for each in results.logprobs),
                self._completed[:steps].clone() if kind.fits else None,
                self._fits.state.clone() if kind.fits else None,
            )

    def _load(self, inputs: Inputs, part: slice, kind: Kind) -> None:
        """Copy the rows of the part into the tile's tensors; of the sampling parameters only those that the kind
        needs."""
        mine, steps = self._inputs, len(inputs.coming)
        self._turn.zero_()
        if kind.ends:
            self._ended.zero_()
            mine.end.copy_(inputs.end[part])
        if kind.held:
            mine.held_from.copy_(inputs.held_from[part])
        if kind.fits and inputs.fits is not None:
            for name in FitRows.__slots__:
                getattr(self._fits, name).copy_(getattr(inputs.fits, name)[part])
        mine.last.copy_(inputs.last[part])
        mine.before.copy_(inputs.before[part])
        mine.coming[:steps].copy_(inputs.coming[:, part])
        mine.uniforms[:steps].copy_(inputs.uniforms[:, part])
        for name in SamplingTensors.__slots__ if kind.filters else ("temperature",):
            getattr(mine.sampling, name).copy_(getattr(inputs.sampling, name)[..., part])

    def _capture(self, kind: Kind) -> tuple[Callable[[], None], Results]:
        """The kind's step and the tensors of its results; capturing overwrites the tile's content."""
        results = self._results(kind)
        self._turn.zero_()
        if kind.fits:
            self._tables.setdefault(kind.fits, self._ids.new_zeros(kind.fits, dtype=torch.int32))
            for name in FitRows.__slots__:  # those of another table may be beyond this one
                getattr(self._fits, name).zero_()
        step = captured(lambda: self._step(kind, results), self.network.device)
        self._runs[kind] = step, results
        return step, results

    def _step(self, kind: Kind, results: Results) -> None:
        """Every row reads an id and gets the next: the prompt's, or a chosen one; the state of a row that rests or has
        ended does not change."""
        inputs, turn, outputs = self._inputs, self._turn, self.network.config.outputs
        held = during(self._held, turn >= inputs.held_from) if kind.held else None
        logits, hidden = self.network.advance(inputs.last, self.hidden, held)
        coming, uniforms = inputs.coming.index_select(0, turn)[0], inputs.uniforms.index_select(0, turn)[0]
        adjusted = logits + self._bias if kind.bias else logits
        table = self._tables[kind.fits] if kind.fits else None
        choosable = None if table is None else Choosable.of(table, self._fits, self.width)
        adjusted = adjusted if choosable is None else choosable.masked(adjusted)
        adjusted = self._mask(adjusted, inputs.before, inputs.last)
        chosen = choose(adjusted, inputs.sampling, uniforms, filters=kind.filters)
        # With NaN as logits any id may be chosen; an invalid id would crash the process, not just fail the sequence.
        chosen = chosen.clamp(max=outputs - 1)
        ids = torch.where(coming >= 0, coming, chosen if choosable is None else choosable.valid(chosen))
        resting = (coming == REST) | self._ended if kind.ends else coming == REST
        if table is not None and choosable is not None:
            choosing = (coming == CHOOSE) & ~self._ended
            completed = choosable.advance(table, self._fits, ids, choosing, ids == inputs.end)
            self._completed.index_copy_(0, turn, completed[None])
            self._ended.logical_or_(completed > 0)
            resting = resting | (completed == WITHOUT)
        self.hidden.copy_(torch.where(resting[:, None, None, None], self.hidden, hidden))
        inputs.before.copy_(inputs.last)
        # A label that was chosen is not read, but its row is computed on while it rests.
        inputs.last.copy_(ids.clamp(max=self.network.config.vocabulary_size - 1))
        results.ids.index_copy_(0, turn, ids[None])
        if kind.top is not None:
            for logprobs, new in zip(results.logprobs, logarithms(logits, ids, kind.top, outputs), strict=True):
                logprobs.index_copy_(0, turn, new[None])
        if kind.filters:
            inputs.sampling.recent.index_copy_(0, turn % RECENT_IDS, ids[None].clamp(max=self.width))
            inputs.sampling.generated.index_copy_(0, turn % RECENT_IDS, (coming == CHOOSE)[None].float())
        if kind.ends:
            self._ended.logical_or_((coming == CHOOSE) & (ids == inputs.end))
        turn.add_(1)

    def _results(self, kind: Kind) -> Results:
        """Tensors for the results of STEPS steps."""
        if kind.top is None:
            return Results(self._ids)
        shape = (STEPS, self.rows, kind.top)
        floats, integers = self.hidden.new_zeros, self._ids.new_zeros
        return Results(self._ids, (floats(shape[:2]), integers(shape), floats(shape)))

    def _resting(self) -> Inputs:
        """Tensors for the inputs of STEPS steps, in which every row rests."""
        rows, floats, integers = self.rows, self.hidden.new_ones, self._turn.new_ones
        sampling = SamplingTensors(
            **{name: torch.from_numpy(np.ones(rows, dtype=ROW[name])).to(self._turn.device) for name in NEUTRAL},
            recent=integers(RECENT_IDS, rows) * self.width,
            generated=floats(RECENT_IDS, rows) * 0,
        )
        coming, uniforms = integers(STEPS, rows) * REST, floats(STEPS, rows, dtype=torch.float64)
        last, none = integers(rows) * 0, integers(rows) * -1
        return Inputs(last, none, coming, none.clone(), last.clone(), uniforms, sampling)
