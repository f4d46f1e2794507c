"""Texts that fit, in tensor operations: which ids rows may choose, what follows a chosen one, and the end of a text:
the definition in charrnn.patterns.automaton; knows no network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from charrnn.engine.fitting import Shared
from charrnn.patterns.automaton import NONE, Automaton

WITHOUT: Final = 1
AFTER: Final = 2
"""How a pattern ends a text at a step: without the id that is chosen there, or after it."""


@dataclass(frozen=True, eq=False, slots=True)
class FitRows:
    """What rows have to fit, each [rows]: where in a table the arrays of its automaton begin, and how many classes that
    has; the `state` that it is in, and how many ids are `left` to be chosen, the next one included."""

    classes: Tensor
    distances: Tensor
    nearest: Tensor
    following: Tensor
    class_count: Tensor
    state: Tensor
    left: Tensor


class AutomatonTable:
    """The automata of a batch's sequences, one behind the other in one tensor; the first one takes everything, for rows
    that have nothing to fit. `width` is that of the logits."""

    def __init__(self, width: int, device: torch.device) -> None:
        self._width = width
        self._device = device
        self._everything = np.zeros(width + 3, dtype=np.int32)
        self._shared = Shared(self._arrays)
        self._places: dict[int, tuple[int, ...]] = {}
        self._tensor: Tensor | None = None

    def take(self, automaton: Automaton) -> None:
        """Include the automaton until `leave` has been called as often."""
        self._shared.take(automaton)
        self._tensor = None

    def leave(self, automaton: Automaton) -> None:
        """One user less; the last one frees the automaton's part."""
        self._shared.leave(automaton)
        self._tensor = None

    @property
    def tensor(self) -> Tensor:
        """int32: of each automaton the classes [width], distances, nearest [states], following [states, classes]."""
        if self._tensor is None:
            parts, at = [self._everything], self._everything.size
            self._places = {}
            for automaton, arrays in self._shared.items():
                states, parts = len(automaton), [*parts, arrays]
                starts = at, at + self._width, at + self._width + states, at + self._width + 2 * states
                self._places[id(automaton)] = (*starts, automaton.following.shape[1])
                at += arrays.size
            self._tensor = torch.from_numpy(np.concatenate(parts)).to(self._device)
        return self._tensor

    def rows(
        self, automata: Sequence[Automaton | None], state: npt.NDArray[np.int64], left: npt.NDArray[np.int64]
    ) -> FitRows:
        """What rows have to fit, None for nothing."""
        assert self._tensor is not None, "places are those in the tensor"
        nothing = 0, self._width, self._width + 1, self._width + 2, 1
        places = [nothing if each is None else self._places[id(each)] for each in automata]
        numbers = np.concatenate([np.array(places, dtype=np.int64).T, [state, left]])
        return FitRows(*torch.from_numpy(numbers).to(self._device))

    def _arrays(self, automaton: Automaton) -> npt.NDArray[np.int32]:
        classes = np.zeros(self._width, dtype=np.int32)
        classes[: automaton.classes.size] = automaton.classes
        return np.concatenate([classes, automaton.distances, automaton.nearest, automaton.following.ravel()])


@dataclass(frozen=True, eq=False, slots=True)
class Choosable:
    """Which ids rows may choose: `after` [rows, width], the states after them; `may` [rows, width], those that leave
    room for an end; `ends` [rows], whether the text may end."""

    after: Tensor
    may: Tensor
    ends: Tensor

    @classmethod
    def of(cls, table: Tensor, rows: FitRows, width: int) -> Choosable:
        """Of rows before a choice."""
        ids = torch.arange(width, device=table.device)
        classes = table[rows.classes[:, None] + ids]
        after = table[(rows.following + rows.state * rows.class_count)[:, None] + classes].long()
        distances = table[rows.distances[:, None] + after.clamp(min=0)]
        may = (after != NONE) & (distances < rows.left[:, None])
        return cls(after, may, table[rows.distances + rows.state] == 0)

    def masked(self, logits: Tensor) -> Tensor:
        """The logits [rows, width], -inf for ids that may not be chosen where the text may not end."""
        return logits.masked_fill(~(self.may | self.ends[:, None]), -torch.inf)

    def valid(self, ids: Tensor) -> Tensor:
        """The ids [rows]; where the text may not end, another one for one that may not be chosen, as one of logits that
        are not numbers may be."""
        may = self.may.gather(1, ids[:, None])[:, 0]
        return torch.where(may | self.ends, ids, self.may.long().argmax(1))

    def advance(self, table: Tensor, rows: FitRows, ids: Tensor, choosing: Tensor, ending: Tensor) -> Tensor:
        """Let the rows that are `choosing` [rows] take the ids [rows], and count them for all rows; returns [rows] how
        the pattern ends their texts: WITHOUT the id, AFTER it, or 0: not. An id that is `ending` [rows] ends a text by
        itself."""
        may = self.may.gather(1, ids[:, None])[:, 0]
        taking = choosing & may
        state = torch.where(taking, self.after.gather(1, ids[:, None])[:, 0], rows.state)
        over = (table[rows.distances + state] == 0) & (rows.left > 1) & (table[rows.nearest + state] > rows.left - 2)
        rows.state.copy_(state)
        rows.left.sub_(1)
        return (choosing & ~may & ~ending) * WITHOUT + (taking & over) * AFTER
