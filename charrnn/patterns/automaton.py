"""A pattern as engines see it: which ids may be chosen in a state, and which state follows; knows no syntax."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Final

import numpy as np
import numpy.typing as npt

from charrnn.sampling import Flags, Logits

Ints = npt.NDArray[np.int32]

NONE: Final = -1
"""In place of a state: there is none, the pattern does not take the id."""

FAR: Final = int(np.iinfo(np.int32).max)
"""In place of a distance: there is none, nothing can follow."""


@dataclass(frozen=True, eq=False, slots=True)
class Automaton:
    """A deterministic automaton over ids; a text begins in state 0 and fits if it ends in a state of distance 0.

    `following` [states, classes] int32: the state after an id of a class, NONE if the pattern does not take it;
    `classes` [outputs] int32: the class of each id that can be chosen; `distances` [states] int32: the fewest further
    ids with which a text fits, so an end can be reached from every state. Raises ValueError, naming the array, for
    arrays that are not that.

    What engines look up follows from these: `nearest` and `farthest` [states] int32, the least and the largest distance
    of what follows a state, FAR and NONE where nothing does; `takes` [n, classes], different sets of classes, and
    `sets` [states] int32, which of them each state takes; `taken` [outputs], which ids any state does.
    """

    following: Ints
    classes: Ints
    distances: Ints
    nearest: Ints = field(init=False)
    farthest: Ints = field(init=False)
    sets: Ints = field(init=False)
    takes: Flags = field(init=False)
    taken: Flags = field(init=False)

    def __post_init__(self) -> None:
        states, classes = self.following.shape
        if not states or self.distances.shape != (states,) or not _within(self.distances, 0, states):
            raise ValueError(f"distances must be [{states}], from 0 to {states - 1}")
        if not _within(self.following, NONE, states):
            raise ValueError(f"following must have states from 0 to {states - 1}, or {NONE}")
        if not _within(self.classes, 0, classes):
            raise ValueError(f"classes must be from 0 to {classes - 1}")
        takes = self.following != NONE
        after = self.distances[self.following]
        bits = np.ascontiguousarray(np.packbits(takes, axis=1))
        _, first, sets = np.unique(bits.view(f"V{bits.shape[1]}"), return_index=True, return_inverse=True)
        for name, array in (
            ("nearest", np.where(takes, after, FAR).min(axis=1).astype(np.int32)),
            ("farthest", np.where(takes, after, NONE).max(axis=1).astype(np.int32)),
            ("sets", sets.ravel().astype(np.int32)),
            ("takes", takes[first]),
            ("taken", takes.any(axis=0)[self.classes]),
        ):
            object.__setattr__(self, name, array)

    def __len__(self) -> int:
        return len(self.distances)

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return sum(getattr(self, each.name).nbytes for each in fields(self))

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
    """What a text has to fit from here on: an automaton in one of its states.

    Where the text may not end yet, the next id is chosen from those that leave room for an end. Where it may, it is
    chosen from all, and one that may not be chosen in that sense ends the text and is no part of it.
    """

    automaton: Automaton
    state: int = 0

    @property
    def distance(self) -> int:
        """The fewest further ids with which the text fits."""
        return self.automaton.distances.item(self.state)  # once for each text: int() takes twice as long

    def is_over(self, left: int) -> bool:
        """Whether the text ends here though `left` more ids could be chosen: it may, and nothing can follow."""
        return left > 0 and not self.distance and bool(self.automaton.nearest[self.state] > left - 1)

    def mask(self, left: int) -> Logits | None:
        """What is added to the logits [outputs] when `left` more ids are to be chosen, this one included: -inf for ids
        that may not be; None where the text may end, and so every id may be drawn."""
        if not self.distance:
            return None
        return np.where(self.automaton.choosable(self.state, left), 0, -np.inf).astype(np.float32)

    def after(self, id_: int, left: int) -> Fit | None:
        """What the text has to fit after this id, when `left` were to be chosen, this one included; None if the id ends
        the text."""
        if not self.automaton.choosable(self.state, left)[id_]:
            return None
        return Fit(self.automaton, self.automaton.after(self.state, (id_,)))


def _within(numbers: Ints, first: int, stop: int) -> bool:
    return not numbers.size or bool(numbers.min() >= first and numbers.max() < stop)
