"""A series with the CPU engine: compiled code refills the slots itself, and Python takes the results of many candidates
at once."""

from __future__ import annotations

from typing import Final

import numpy as np

from charrnn.engine.base import Finished, Series
from charrnn.engine.cpu.code import Advance
from charrnn.engine.cpu.filling import member_struct
from charrnn.engine.cpu.memory import Allocate, BatchMemory, aligned_zeros
from charrnn.engine.cpu.packed_model import PackedModel
from charrnn.engine.cpu.structs import SERIES_STRUCT
from charrnn.engine.sequences import Member, check_series
from charrnn.sampling import bias_of

ROOM: Final = 64
"""How many candidates of a slot can be written down in one call of `step`; a slot then stays empty until the next."""

ENDLESS: Final = 1 << 62


class CpuSeries:
    """Implements charrnn.engine.base.SeriesBatch. Raises ValueError as `check_series` does, and for less than one
    slot."""

    def __init__(
        self, model: PackedModel, advance: Advance, series: Series, slots: int, allocate: Allocate = aligned_zeros
    ) -> None:
        if slots < 1:
            raise ValueError(f"slots must be at least 1, not {slots}")
        check_series(series, model.config)
        self._slots, self._template, self._advance, self._allocate = slots, slots, advance, allocate
        self._memory = BatchMemory(model, slots + 1, allocate)
        self._ids = allocate((slots, 1 + series.length), np.int32)  # what each candidate reads and chooses
        self._prepare(series)
        room = ROOM * slots
        self._candidates, self._offsets = allocate((room,), np.int64), allocate((room + 1,), np.int64)
        self._ended = allocate((room,), np.int32)
        self._in_slots, self._free = allocate((slots,), np.int64), allocate((slots,), np.int64)
        self._free[:] = np.arange(slots)[::-1]
        self._series = allocate((1,), SERIES_STRUCT)
        self._fill(series, room)
        self._finished_ids = np.empty(0, dtype=np.int32)
        self._memory.batch["series"] = self._series.ctypes.data

    @property
    def done(self) -> bool:
        """Whether all candidates have been returned."""
        series = self._series[0]
        return bool(series["next"] == series["stop"] and series["free_count"] == self._slots)

    def step(self, steps: int) -> Finished:
        """Advance the candidates by up to `steps` ids; those that are done."""
        series = self._series[0]
        series["finished"] = series["written"] = 0
        self._make_room(steps)
        self._advance(*self._memory.addresses, steps)
        n, written = int(series["finished"]), int(series["written"])
        return Finished(
            self._candidates[:n].copy(),
            self._finished_ids[:written].copy(),
            self._offsets[: n + 1].copy(),
            self._ended[:n] != 0,
        )

    def _prepare(self, series: Series) -> None:
        """Read the state's last id, after which all candidates are the same: let one choose an id, keep the logits that
        it has chosen from and the state, and set all slots to what it was before its choice."""
        memory, template, config = self._memory, self._template, self._memory.config
        bias = bias_of(series.sampling, config.outputs)
        member = Member.of(0, template, series.sequence(0), bias, config.outputs)
        automaton = 0 if series.fit is None else memory.automata.take(series.fit.automaton).address
        held = memory.hold(template, series.held)
        struct = member_struct(member, memory.bias(template, bias), held, automaton)
        memory.sequences[template] = struct
        memory.restore(template, series.state.hidden)
        if member.remaining:  # otherwise nothing is ever chosen
            memory.activate(template)
            self._advance(*memory.addresses, 1)
            memory.deactivate(template)
        memory.keep_in_both_halves(template)
        self._logits = self._allocate(memory.logits[0].shape, np.float32)
        self._logits[:] = memory.logits[0]
        memory.sequences[:] = struct
        memory.sequences["total"] = 1 + series.length
        self._ids[:, 0] = series.state.last_id
        for slot in range(self._slots):
            memory.sequences["ids"][slot] = self._ids[slot].ctypes.data
        self._seed = series.sampling.seed

    def _fill(self, series: Series, room: int) -> None:
        arrays = {
            "logits": self._logits,
            "candidates": self._in_slots,
            "free": self._free,
            "offsets": self._offsets,
            "finished_candidates": self._candidates,
            "ended": self._ended,
        }
        numbers = {
            "next": series.first,
            "stop": ENDLESS if series.stop is None else series.stop,
            "template": self._template,
            "hidden_blocks": self._memory.hidden_blocks,
            "gate_blocks": self._memory.gate_blocks,
            "free_count": self._slots,
            "room": room,
        }
        for name, value in (numbers | {name: array.ctypes.data for name, array in arrays.items()}).items():
            self._series[name] = value

    def _make_room(self, steps: int) -> None:
        """Room for all ids that may be written down in this call: those known already, one more of each slot at each
        step, and those of candidates that are done with their first."""
        known = int(self._memory.sequences["computed"][: self._slots].sum())
        most = known + self._slots * steps + int(self._series["room"][0])
        if most > self._finished_ids.size:
            self._finished_ids = self._allocate((most,), np.int32)
            self._series["ids"] = self._finished_ids.ctypes.data
