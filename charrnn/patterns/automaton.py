"""A pattern as engines see it: which ids may be chosen in a state, and which state follows; knows no syntax."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from charrnn.sampling import Flags

Ints = npt.NDArray[np.int32]

NONE: Final = -1
"""In place of a state: there is none, the pattern does not take the id."""


@dataclass(frozen=True, eq=False, slots=True)
class Automaton:
    """A deterministic automaton over ids; a text begins in state 0 and fits if it ends in a state of distance 0.

    `following` [states, classes] int32: the state after an id of a class, NONE if the pattern does not take it;
    `classes` [outputs] int32: the class of each id that can be chosen; `distances` [states] int32: the fewest further
    ids with which a text fits, so an end can be reached from every state. Raises ValueError, naming the array, for
    arrays that are not that.
    """

    following: Ints
    classes: Ints
    distances: Ints

    def __post_init__(self) -> None:
        states, classes = self.following.shape
        if not states or self.distances.shape != (states,) or not _within(self.distances, 0, states):
            raise ValueError(f"distances must be [{states}], from 0 to {states - 1}")
        if not _within(self.following, NONE, states):
            raise ValueError(f"following must have states from 0 to {states - 1}, or {NONE}")
        if not _within(self.classes, 0, classes):
            raise ValueError(f"classes must be from 0 to {classes - 1}")

    def __len__(self) -> int:
        return len(self.distances)

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return self.following.nbytes + self.classes.nbytes + self.distances.nbytes

    def may_end(self, state: int) -> bool:
        """Whether a text that ends in this state fits."""
        return bool(self.distances[state] == 0)

    def choosable(self, state: int, left: int) -> Flags:
        """Which ids [outputs] may be chosen in a state when `left` more are to be, this one included: those after which
        the text can still fit."""
        after = self.following[state]
        within = (after != NONE) & (self.distances[after] <= left - 1)
        return np.asarray(within[self.classes])

    def after(self, state: int, ids: Iterable[int]) -> int:
        """The state after these ids, all of which the pattern takes. Raises ValueError if it does not."""
        for id_ in ids:
            state = int(self.following[state, self.classes[id_]])
            if state == NONE:
                raise ValueError(f"the pattern does not take id {id_} there")
        return state


@dataclass(frozen=True, eq=False, slots=True)
class Fit:
    """What a text has to fit from here on: an automaton in one of its states."""

    automaton: Automaton
    state: int = 0


def _within(numbers: Ints, first: int, stop: int) -> bool:
    return not numbers.size or bool(numbers.min() >= first and numbers.max() < stop)
