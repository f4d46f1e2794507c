"""Arrays that begin or end at a page that cannot be accessed, and a batch that works on such arrays alone: compiled
code that reads or writes beside one of them ends the process."""

from __future__ import annotations

import ctypes
import mmap
from functools import cache
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from charrnn.engine.base import Logprobs, Sequence
from charrnn.engine.cpu.batch import CpuBatch, CpuEngine
from charrnn.engine.cpu.memory import BatchMemory
from charrnn.engine.cpu.packed_model import PackedModel

Side = Literal["before", "after"]

_LIBRARY: Final = ctypes.CDLL(None, use_errno=True)
_NO_ACCESS: Final = 0


class Guard:
    """Makes arrays with a page beside them that cannot be accessed: directly `before` or directly `after` them."""

    def __init__(self, side: Side) -> None:
        self._side = side

    def zeros(self, shape: tuple[int, ...], dtype: Any) -> npt.NDArray[Any]:
        """Zeros with this shape and dtype, as charrnn.engine.cpu.memory allocates them."""
        count = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
        pages = -(-count // mmap.PAGESIZE)
        memory = mmap.mmap(-1, (pages + 2) * mmap.PAGESIZE)
        whole = np.frombuffer(memory, dtype=np.uint8)
        for page in (0, pages + 1):
            _close(whole.ctypes.data + page * mmap.PAGESIZE)
        start = mmap.PAGESIZE if self._side == "before" else (pages + 1) * mmap.PAGESIZE - count
        array: npt.NDArray[Any] = whole[start : start + count].view(dtype).reshape(shape)
        return array

    def copy(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """A copy of the array."""
        made = self.zeros(array.shape, array.dtype)
        made[...] = array
        return made


def _close(address: int) -> None:
    if _LIBRARY.mprotect(ctypes.c_void_p(address), ctypes.c_size_t(mmap.PAGESIZE), _NO_ACCESS):
        raise OSError(ctypes.get_errno(), "mprotect")


class GuardedModel(PackedModel):
    """A packed model whose arrays are copies with a guard."""

    guard: Guard

    @classmethod
    def copied(cls, model: PackedModel, guard: Guard) -> GuardedModel:
        copied = cls(model.buffer)
        object.__setattr__(copied, "guard", guard)
        object.__setattr__(copied, "array", cache(copied.array))
        return copied

    def array(self, name: str) -> npt.NDArray[Any]:
        return self.guard.copy(super().array(name))


class GuardedBatch(CpuBatch):
    """A batch all of whose arrays have a guard, the weights and each sequence's included."""

    def __init__(self, engine: CpuEngine, capacity: int, guard: Guard) -> None:
        super().__init__(engine, capacity)
        self._guard = guard
        self._memory = BatchMemory(GuardedModel.copied(engine.model, guard), capacity, guard.zeros)

    def add(self, sequence: Sequence) -> int:
        """Add a sequence, as every batch does."""
        handle = super().add(sequence)
        member, struct = self._members[handle], self._memory.sequences
        member.ids = self._guard.copy(member.ids)
        struct["ids"][member.slot] = member.ids.ctypes.data
        if (logprobs := member.logprobs) is not None:
            arrays = {"chosen": logprobs.chosen, "top_ids": logprobs.top_ids, "tops": logprobs.top}
            copies = {name: self._guard.copy(array) for name, array in arrays.items()}
            member.logprobs = Logprobs(*copies.values())
            for name, array in copies.items():
                struct[name][member.slot] = array.ctypes.data
        return handle
