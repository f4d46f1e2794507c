"""A fixed number of rows that are computed together: their tensors, which stay where they are, and a step on them that
never waits for the device; knows no sequences."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from charrnn.engine.gpu.graph import recorded
from charrnn.engine.gpu.orders import CHOOSE, REST, Orders
from charrnn.engine.gpu.reference import ReferenceEngine, rounded
from charrnn.engine.gpu.sampling import Choice, choose, logarithms, masking
from charrnn.sampling import RECENT_IDS

STEPS: Final = 64
"""Steps between two readings of what came out."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a step does beside advancing and choosing plainly, each kind being recorded on its own: `filters`, the
    penalties among them; adding a `bias` to the logits; logarithms, with `top` of the likeliest, unless it is None."""

    filters: bool = False
    bias: bool = False
    top: int | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Results:
    """What steps made of rows: `ids` [steps, rows], and where logarithms are told, what `logarithms` says of them:
    [steps, rows], [steps, rows, top] and [steps, rows, top]."""

    ids: Tensor
    told: tuple[Tensor, ...] = ()


class Tile:
    """The place where `rows` rows of any batch of a network are computed, by one thread at a time.

    All are computed at every step, so that no shape ever changes, and with it no order of a sum.
    """

    def __init__(self, network: ReferenceEngine, rows: int) -> None:
        config, device = network.config, network.device
        self.rows = rows
        self.width = rounded(config.vocabulary_size)
        self.hidden = torch.zeros(rows, config.layers, config.state_parts, network.hidden_size, device=device)
        self._bias = torch.zeros(rows, self.width, device=device)
        self._network = network
        self._mask = masking(network.following, self.width, network.device)
        self._lock = threading.Lock()
        self._turn = torch.zeros(1, dtype=torch.int64, device=device)
        self._orders = self._resting()
        self._ids = torch.zeros(STEPS, rows, dtype=torch.int64, device=device)
        self._runs: dict[Kind, tuple[Callable[[], None], Results]] = {}

    def run(  # noqa: PLR0917
        self, orders: Orders, start: int, hidden: Tensor, biases: Tensor | None, slots: Tensor, kind: Kind
    ) -> Results:
        """Do what the orders for n rows say, up to STEPS steps, with those from `start` on; their states are in
        `hidden`, at the slots [n], and what is added to their logits in `biases`."""
        part, steps = slice(start, start + self.rows), len(orders.plan)
        with self._lock:
            step, results = self._runs.get(kind) or self._record(kind)
            self._load(orders, part, kind)
            torch.index_select(hidden, 0, slots[part], out=self.hidden)
            if kind.bias and biases is not None:
                torch.index_select(biases, 0, slots[part], out=self._bias)
            for _ in range(steps):
                step()
            hidden.index_copy_(0, slots[part], self.hidden)
            return Results(results.ids[:steps].clone(), tuple(told[:steps].clone() for told in results.told))

    def _load(self, orders: Orders, part: slice, kind: Kind) -> None:
        """The orders' part into the tensors of the tile, of how rows choose only what the kind looks at."""
        mine, steps = self._orders, len(orders.plan)
        self._turn.zero_()
        mine.last.copy_(orders.last[part])
        mine.before.copy_(orders.before[part])
        mine.plan[:steps].copy_(orders.plan[:, part])
        mine.uniforms[:steps].copy_(orders.uniforms[:, part])
        for name in Choice.__slots__ if kind.filters else ("temperature",):
            getattr(mine.choice, name).copy_(getattr(orders.choice, name)[..., part])

    def _record(self, kind: Kind) -> tuple[Callable[[], None], Results]:
        """The kind's step and where it leaves its results; what the tile held before is gone."""
        results = self._results(kind)
        self._turn.zero_()
        step = recorded(lambda: self._step(kind, results), self._network.device)
        self._runs[kind] = step, results
        return step, results

    def _step(self, kind: Kind, results: Results) -> None:
        """Every row reads an id and goes on to the next: the plan's, or its own choice; the state of one that rests
        stays as it is."""
        orders, turn = self._orders, self._turn
        logits, hidden = self._network.advance(orders.last, self.hidden)
        planned, uniforms = orders.plan.index_select(0, turn)[0], orders.uniforms.index_select(0, turn)[0]
        biased = logits + self._bias if kind.bias else logits
        chosen = choose(self._mask(biased, orders.before, orders.last), orders.choice, uniforms, filters=kind.filters)
        # Logits that are not numbers choose anything; an id that there is not would end the process, not the sequence.
        ids = torch.where(planned >= 0, planned, chosen.clamp(max=self._network.config.vocabulary_size - 1))
        self.hidden.copy_(torch.where((planned == REST)[:, None, None, None], self.hidden, hidden))
        orders.before.copy_(orders.last)
        orders.last.copy_(ids)
        results.ids.index_copy_(0, turn, ids[None])
        if kind.top is not None:
            for told, new in zip(results.told, logarithms(logits, ids, kind.top), strict=True):
                told.index_copy_(0, turn, new[None])
        if kind.filters:
            orders.choice.recent.index_copy_(0, turn % RECENT_IDS, ids[None])
            orders.choice.generated.index_copy_(0, turn % RECENT_IDS, (planned == CHOOSE)[None].float())
        turn.add_(1)

    def _results(self, kind: Kind) -> Results:
        """Room for STEPS steps."""
        if kind.top is None:
            return Results(self._ids)
        shape = (STEPS, self.rows, kind.top)
        floats, integers = self.hidden.new_zeros, self._ids.new_zeros
        return Results(self._ids, (floats(shape[:2]), integers(shape), floats(shape)))

    def _resting(self) -> Orders:
        """Room for the orders of STEPS steps, in which nothing is done."""
        rows, floats, integers = self.rows, self.hidden.new_ones, self._turn.new_ones
        latest = [integers(RECENT_IDS, rows) * self.width, floats(RECENT_IDS, rows) * 0]
        choice = Choice(*[*(floats(rows) for _ in range(6)), integers(rows), *latest])
        plan, uniforms = integers(STEPS, rows) * REST, floats(STEPS, rows, dtype=torch.float64)
        return Orders(integers(rows) * 0, integers(rows) * -1, plan, uniforms, choice)
