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
class Table:
    """The address of an automaton's AUTOMATON_STRUCT, the arrays that this needs, and how many bytes the masks are."""

    address: int
    arrays: tuple[npt.NDArray[Any], ...]
    masks: int


class AutomatonTables(Shared[Table]):
    """The tables of a batch's automata. `width` is that of the logits."""

    def __init__(self, width: int, allocate: Callable[[tuple[int, ...], Any], npt.NDArray[Any]]) -> None:
        super().__init__(self._table)
        self._width = width
        self._allocate = allocate

    @property
    def mask_bytes(self) -> int:
        """What the masks of all take."""
        return sum(table.masks for _, table in self.items())

    def _table(self, automaton: Automaton) -> Table:
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
        return Table(struct.ctypes.data, (struct, *arrays), masks.nbytes)

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
