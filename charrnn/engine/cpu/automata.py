"""What the compiled step looks up in automata: one table for all sequences of a batch that have the same; knows no
sequences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from charrnn.engine.cpu.structs import AUTOMATON_STATE, AUTOMATON_STRUCT
from charrnn.engine.fitting import Shared
from charrnn.patterns.automaton import Automaton

MASK_BYTES: Final = 4 << 20
"""The most that the masks of all automata of a batch may take. States that have none, because there is no room for
more, cost a pass over all ids at each step."""


@dataclass(frozen=True, eq=False, slots=True)
class _Table:
    """The address of an automaton's struct, the arrays that this needs, and how many bytes the masks are."""

    address: int
    arrays: tuple[npt.NDArray[Any], ...]
    masks: int


class AutomatonTables:
    """The tables of a batch's automata, each from its first sequence to its last. `width` is that of the logits."""

    def __init__(self, width: int, allocate: Callable[[tuple[int, ...], Any], npt.NDArray[Any]]) -> None:
        self._width = width
        self._allocate = allocate
        self._shared = Shared(self._table)

    def __len__(self) -> int:
        return len(self._shared)

    @property
    def mask_bytes(self) -> int:
        """What the masks of all take."""
        return sum(table.masks for _, table in self._shared.items())

    def take(self, automaton: Automaton) -> int:
        """The address of the automaton's AUTOMATON_STRUCT, which is valid until `leave` has been called as often."""
        return self._shared.take(automaton).address

    def leave(self, automaton: Automaton) -> None:
        """One user less; the last one frees the table."""
        self._shared.leave(automaton)

    def _table(self, automaton: Automaton) -> _Table:
        room = (MASK_BYTES - self.mask_bytes) // (4 * self._width)
        masks = self._masks(automaton, room)
        states = self._allocate((len(automaton),), AUTOMATON_STATE)
        states["distance"], states["nearest"] = automaton.distances, automaton.nearest
        states["farthest"], states["only"] = automaton.farthest, _only_ids(automaton)[automaton.sets]
        states["mask"] = np.where(automaton.sets < len(masks), automaton.sets, -1)
        following, classes = (np.ascontiguousarray(array) for array in (automaton.following, automaton.classes))
        arrays = (following, classes, states, masks)
        struct = self._allocate((1,), AUTOMATON_STRUCT)
        of_following, of_classes, of_states, of_masks = (array.ctypes.data for array in arrays)
        struct[0] = (of_following, following.shape[1], of_classes, of_states, of_masks)
        return _Table(struct.ctypes.data, (struct, *arrays), masks.nbytes)

    def _masks(self, automaton: Automaton, room: int) -> npt.NDArray[np.float32]:
        """The masks [n, width] of the first n sets of ids, at most `room`."""
        takes = automaton.takes[:room]
        masks = self._allocate((len(takes), self._width), np.float32)
        masks[:] = -np.inf
        masks[:, : automaton.classes.size][takes[:, automaton.classes]] = 0
        return masks


def _only_ids(automaton: Automaton) -> npt.NDArray[np.int32]:
    """For each set [n] the only id in it; -1 for one with several ids, or none."""
    sizes = np.bincount(automaton.classes, minlength=automaton.takes.shape[1])
    ids = np.zeros(sizes.size, dtype=np.int32)
    ids[automaton.classes] = np.arange(automaton.classes.size)
    found = np.where(automaton.takes @ sizes == 1, ids[automaton.takes.argmax(axis=1)], -1)
    return np.asarray(found.astype(np.int32))
