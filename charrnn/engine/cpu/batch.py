"""The CPU engine: packed weights, and batches that advance in compiled code; knows no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from charrnn.checkpoint import Checkpoint
from charrnn.config import ModelConfig
from charrnn.engine.base import Output, Sequence, Series, State
from charrnn.engine.cpu.code import Advance, default_folder, load
from charrnn.engine.cpu.filling import member_struct
from charrnn.engine.cpu.instructions import Isa, Precision, host_isa
from charrnn.engine.cpu.memory import BatchMemory
from charrnn.engine.cpu.packed_model import PackedModel
from charrnn.engine.cpu.packing import pack
from charrnn.engine.cpu.series import CpuSeries
from charrnn.engine.cpu.tree import CpuTree
from charrnn.engine.sequences import Members, outputs_of

_INSTRUCTIONS: Final[dict[Isa, str]] = {
    "vnni": "AVX-512 VNNI",
    "avx2": "AVX2",
    "portable": "portable instructions",
}


class CpuEngine:
    """One version's numbers on the CPU; ids do not depend on `isa`, which is the fastest available by default.

    `precision` int8 is fast and within 0.001 nats per character of the network; float32 is as exact as the checkpoint.
    `kernels` is the folder of compiled kernels, by default in the user's cache folder. Raises ValueError when a model
    is packed in another precision, CompilationError.
    """

    def __init__(
        self,
        model: Checkpoint | PackedModel,
        precision: Precision | None = None,
        isa: Isa | None = None,
        kernels: Path | None = None,
    ) -> None:
        packed = model if isinstance(model, PackedModel) else pack(model, precision or "int8")
        if precision not in (None, packed.precision):
            raise ValueError(f"precision must be {packed.precision}, which the model is packed in, not {precision}")
        self.model = packed
        self.isa: Isa = isa or host_isa()
        self.advance: Advance = load(kernels or default_folder(), packed.config.cell, packed.precision, self.isa)

    @property
    def config(self) -> ModelConfig:
        return self.model.config

    @property
    def precision(self) -> Precision:
        """How the weights are packed; states do not depend on `isa`."""
        return self.model.precision

    @property
    def description(self) -> str:
        """Which kernel runs, for the log."""
        return f"{self.config.cell} in {self.model.precision} with {_INSTRUCTIONS[self.isa]}"

    def batch(self, capacity: int) -> CpuBatch:
        """An empty batch for up to `capacity` sequences. Raises ValueError when that is less than 1."""
        return CpuBatch(self, capacity)

    def series(self, series: Series, slots: int) -> CpuSeries:
        """A batch that generates the series, `slots` candidates at a time. Raises ValueError for a series that cannot
        be generated, and for less than one slot."""
        return CpuSeries(self.model, self.advance, series, slots)

    def tree(self, state: State, nodes: int) -> CpuTree:
        """The tree of texts that begin with the state's, for at most `nodes` nodes. Raises ValueError for a state of
        another shape."""
        return CpuTree(self.model, self.advance, state, nodes)


class CpuBatch:
    """Implements charrnn.engine.base.Batch; each sequence keeps its slot until it is removed."""

    def __init__(self, engine: CpuEngine, capacity: int) -> None:
        self._members = Members(engine.config, capacity)
        self._advance = engine.advance
        self._memory = BatchMemory(engine.model, capacity)

    def __len__(self) -> int:
        return len(self._members)

    def add(self, sequence: Sequence) -> int:
        """Add a sequence before the next step; returns its handle.

        Raises OverflowError when the batch is full, ValueError for a sequence with neither prompt nor state, an id
        outside the vocabulary, one that cannot be chosen (in a bias, among allowed ids, as the end), no allowed id, a
        state of another shape, or as `check_held` does.
        """
        member, memory = self._members.add(sequence), self._memory
        bias, held = memory.bias(member.slot, member.bias), memory.hold(member.slot, sequence.held)
        automaton = 0 if sequence.fit is None else memory.fit(sequence.fit.automaton)
        memory.sequences[member.slot] = member_struct(member, bias, held, automaton)
        if sequence.state is None:
            memory.clear(member.slot)
        else:
            memory.restore(member.slot, sequence.state.hidden)
        if member.remaining:
            memory.activate(member.slot)
        return member.handle

    def remove(self, handle: int) -> None:
        """Remove a sequence, done or not. Raises KeyError for an unknown handle."""
        member = self._members.remove(handle)
        self._memory.deactivate(member.slot)
        if member.sequence.held:
            self._memory.release()
        if member.sequence.fit is not None:
            self._memory.unfit(member.sequence.fit.automaton)

    def state(self, handle: int) -> State:
        """A copy of a sequence's current state. Raises KeyError for an unknown handle."""
        member = self._members[handle]
        return member.state(self._memory.extract(member.slot))

    def step(self, steps: int) -> list[Output]:
        """Advance every sequence that is not done by up to `steps` ids, read or chosen."""
        memory, outputs = self._memory, outputs_of(self._members.done_at_once())
        slots = memory.active[: memory.active_count].copy()
        if slots.size and steps > 0:
            self._advance(*memory.addresses, steps)
            by_slot = self._members.by_slot
            computed, completed = (memory.sequences[name][slots].tolist() for name in ("computed", "completed"))
            for slot, read, is_whole in zip(slots.tolist(), computed, completed, strict=True):
                member = by_slot[slot]
                member.advance_to(read, completed=bool(is_whole))
                if (output := member.output()) is not None:
                    outputs.append(output)
        return outputs
