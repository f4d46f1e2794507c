"""The engine for CPUs: packed weights, and batches that advance in compiled code; knows no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from charrnn.checkpoint import Checkpoint
from charrnn.config import ModelConfig
from charrnn.engine.base import Output, Sequence, State
from charrnn.engine.cpu.code import Advance, default_folder, load
from charrnn.engine.cpu.instructions import Isa, Precision, host_isa
from charrnn.engine.cpu.memory import BatchMemory
from charrnn.engine.cpu.packed_model import PackedModel
from charrnn.engine.cpu.packing import pack
from charrnn.engine.members import Member, check, record, state_of
from charrnn.sampling import bias_of

_INSTRUCTIONS: Final[dict[Isa, str]] = {
    "vnni": "AVX-512 VNNI",
    "avx2": "AVX2",
    "portable": "portable instructions",
}


class NativeEngine:
    """One version's numbers on the CPU; ids are the same with either `isa`, which is the quickest unless given.

    `precision` int8 is quick and within 0.001 nats a character of the network; float32 is as exact as the checkpoint.
    `kernels` is the folder of compiled kernels, which is the user's cache folder unless given. Raises ValueError when a
    model is packed in another precision, CompilationError.
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
    def description(self) -> str:
        """Which kernel runs, for the log."""
        return f"{self.config.cell} in {self.model.precision} with {_INSTRUCTIONS[self.isa]}"

    def batch(self, capacity: int) -> NativeBatch:
        """An empty batch for up to `capacity` sequences. Raises ValueError when that is less than 1."""
        return NativeBatch(self, capacity)


class NativeBatch:
    """Sequences that advance together, as charrnn.engine.base.Batch says; each keeps its place until it is removed."""

    def __init__(self, engine: NativeEngine, capacity: int) -> None:
        if capacity < 1:
            raise ValueError(f"capacity must be at least 1, not {capacity}")
        self._advance = engine.advance
        self._config = engine.config
        self._memory = BatchMemory(engine.model, capacity)
        self._members: list[Member | None] = [None] * capacity
        self._free = list(range(capacity - 1, -1, -1))
        self._places: dict[int, int] = {}
        self._done_at_once: list[Member] = []
        self._handles = 0

    def __len__(self) -> int:
        return len(self._places)

    def add(self, sequence: Sequence) -> int:
        """Take a sequence in before the next step; returns its handle.

        Raises OverflowError when the batch is full, ValueError for a sequence without anything to follow, an id
        outside the vocabulary (of a bias or allowed ones as well), no allowed id or a state of another shape.
        """
        check(sequence, self._config)
        bias = bias_of(sequence.sampling, self._config.vocabulary_size)
        if not self._free:
            raise OverflowError(f"the batch is full with {len(self)} sequences")
        place, self._handles = self._free.pop(), self._handles + 1
        member = Member.of(self._handles, sequence, self._config.vocabulary_size)
        self._memory.slots[place] = record(member, sequence, self._memory.bias(place, bias))
        if sequence.state is None:
            self._memory.clear(place)
        else:
            self._memory.restore(place, sequence.state.hidden)
        if member.prompt.size or member.ids.size:
            self._memory.activate(place)
        else:
            self._done_at_once.append(member)
        self._members[place], self._places[member.handle] = member, place
        return member.handle

    def remove(self, handle: int) -> None:
        """Let a sequence go, done or not. Raises KeyError for an unknown handle."""
        place = self._places.pop(handle)
        self._memory.deactivate(place)
        self._done_at_once = [member for member in self._done_at_once if member.handle != handle]
        self._members[place] = None
        self._free.append(place)

    def state(self, handle: int) -> State:
        """What a sequence remembers now, a copy. Raises KeyError for an unknown handle."""
        place = self._places[handle]
        return state_of(self._memory.slots[place], self._memory.extract(place))

    def step(self, steps: int) -> list[Output]:
        """Advance every sequence that is not done by up to `steps` ids."""
        memory = self._memory
        outputs = [output for member in self._done_at_once if (output := member.output(0))]
        self._done_at_once = []
        places = memory.active[: memory.active_count].copy()
        if not places.size or steps < 1:
            return outputs
        self._advance(*memory.addresses, steps)
        slots = memory.slots
        emitted = slots["emitted"][places].tolist()
        unread = (slots["known"] - slots["cursor"])[places].tolist()
        members = self._members
        for place, count, left in zip(places.tolist(), emitted, unread, strict=True):
            member = members[place]
            if not left and member is not None and (output := member.output(count)) is not None:
                outputs.append(output)
        return outputs
