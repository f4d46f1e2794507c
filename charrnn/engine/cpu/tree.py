"""The states after texts with common beginnings, with the CPU engine: states stay as the compiled step stores them, and
a step of many nodes costs Python a few calls for all of them together."""

from __future__ import annotations

from collections.abc import Sequence as Items
from typing import Final

import numpy as np

from charrnn.engine.base import TREE_WIDTH, Sequence, State
from charrnn.engine.cpu.code import Advance
from charrnn.engine.cpu.filling import member_struct
from charrnn.engine.cpu.memory import BatchMemory, aligned_zeros
from charrnn.engine.cpu.packed_model import PackedModel
from charrnn.engine.sequences import Member, check
from charrnn.engine.tree import check_room
from charrnn.sampling import RECENT_IDS, Logits, SamplingParams

_NOTHING: Final = np.empty(0, dtype=np.int32)
_READS_ONE: Final = SamplingParams(temperature=0, logprobs=1)
"""Greedy, so that nothing changes the logits; the likeliest id's log-probability says how they are normalized."""


class CpuTree:
    """Implements charrnn.engine.base.Tree, for at most `nodes` nodes. Raises ValueError for a state of another
    shape."""

    def __init__(self, model: PackedModel, advance: Advance, state: State, nodes: int) -> None:
        config = model.config
        first = Sequence(_NOTHING, 1, _READS_ONE, state)
        check(first, config)
        self._advance, self._outputs = advance, config.outputs
        memory = self._memory = BatchMemory(model, TREE_WIDTH)
        self._ids = aligned_zeros((TREE_WIDTH, 2), np.int32)
        self._chosen, self._top = (aligned_zeros((TREE_WIDTH, 2), np.float32) for _ in range(2))
        self._top_ids = aligned_zeros((TREE_WIDTH, 2), np.int32)
        memory.sequences[:] = member_struct(Member.of(0, 0, first, None, config.outputs), 0)
        arrays = {"ids": self._ids, "chosen": self._chosen, "tops": self._top, "top_ids": self._top_ids}
        for name, array in arrays.items():
            memory.sequences[name] = array.ctypes.data + array.strides[0] * np.arange(TREE_WIDTH)
        memory.restore(0, state.hidden)
        hidden, gates = memory.stored(1)
        self._hidden = np.empty((nodes, *hidden.shape[1:]), dtype=hidden.dtype)
        self._gates = np.empty((nodes, *gates.shape[1:]), dtype=gates.dtype)
        self._recent = np.zeros((nodes, RECENT_IDS), dtype=np.int32)
        self._counts = np.empty(nodes, dtype=np.int64)
        recent = state.recent[:-1]
        self._hidden[0], self._gates[0] = hidden[0], gates[0]
        self._recent[0, RECENT_IDS - recent.size :], self._counts[0] = recent, recent.size
        self._size = 1

    def __len__(self) -> int:
        return self._size

    def grow(self, parents: Items[int], ids: Items[int]) -> Logits:
        """Add a node for each id that follows a parent; the log-probabilities of what follows [n, outputs]."""
        check_room(len(self) + len(ids), len(self._hidden))
        n, memory, before = len(ids), self._memory, np.array(parents)
        nodes = slice(self._size, self._size + n)
        memory.store(self._hidden[before], self._gates[before])
        self._recent[nodes, :-1], self._recent[nodes, -1] = self._recent[before, 1:], ids
        self._counts[nodes] = np.minimum(self._counts[before] + 1, RECENT_IDS)
        sequences = memory.sequences[:n]
        sequences["computed"] = 0
        sequences["recent"] = self._rings(nodes)
        sequences["recent_count"] = self._counts[nodes]
        self._ids[:n, 0] = ids
        memory.activate_first(n)
        self._advance(*memory.addresses, 1)
        self._hidden[nodes], self._gates[nodes] = memory.stored(n)
        self._size += n
        logits = memory.logits[:n].reshape(n, -1)
        # In float32, as charrnn.engine.cpu.logprobs.report does: the same bits as those of a text that is generated.
        return np.asarray((logits[:, : self._outputs] - logits.max(axis=1, keepdims=True)) + self._top[:n, 1:])

    def _rings(self, nodes: slice) -> np.ndarray[tuple[int, ...], np.dtype[np.int32]]:
        """The latest ids of nodes as ring buffers that begin with the oldest."""
        counts = self._counts[nodes]
        if counts.min() == RECENT_IDS:
            return self._recent[nodes]
        order = (np.arange(RECENT_IDS) + (RECENT_IDS - counts)[:, None]) % RECENT_IDS
        return np.asarray(np.take_along_axis(self._recent[nodes], order, axis=1))
