"""From a pattern's terms to a deterministic automaton over an alphabet's classes, by the subset construction."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from charrnn.patterns.alphabet import Alphabet
from charrnn.patterns.automaton import NONE, Ints
from charrnn.patterns.bounds import MAX_CONSTRUCTED, MAX_ENTRIES
from charrnn.patterns.derivatives import Derivatives
from charrnn.patterns.errors import PatternTooLargeError
from charrnn.patterns.inclusion import Inclusion
from charrnn.patterns.sides import ANYWHERE, Side, Sides
from charrnn.patterns.terms import EMPTY

Flags = npt.NDArray[np.bool_]

STEPS_OF_A_SIDE: Final = 3
"""What it counts to begin with a state's followers, however many there are."""


@dataclass(frozen=True, eq=False, slots=True)
class Table:
    """A deterministic automaton whose states need not reach an end: `following` [states, classes], NONE where it takes
    nothing; `ends` [states]: whether a text may end there. It begins in state 0. `minimal`: no smaller one has the same
    texts."""

    following: Ints
    ends: Flags
    minimal: bool = False


def determinized(derivatives: Derivatives, start: int, alphabet: Alphabet) -> Table:
    """The automaton of a term. Raises PatternTooLargeError."""
    return _Construction(derivatives, alphabet).table(start)


class _Construction:
    def __init__(self, derivatives: Derivatives, alphabet: Alphabet) -> None:
        self._derivatives, self._alphabet = derivatives, alphabet
        self._asserts, self._work = derivatives.terms.asserts, derivatives.terms.work
        self._inclusion = Inclusion(derivatives.terms)
        self._numbers: dict[tuple[frozenset[int], Side], int] = {}
        self._states: list[tuple[frozenset[int], Side]] = []

    def table(self, start: int) -> Table:
        self._number(frozenset([start]), Side.EDGE if self._asserts else Side.OTHER)
        rows, ends = [], []
        for left, before in self._states:  # grows meanwhile
            if len(self._states) * len(self._alphabet) > MAX_ENTRIES:
                raise PatternTooLargeError("entries in its table", MAX_ENTRIES)
            row = np.full(len(self._alphabet), NONE, dtype=np.int32)
            for after in (Side.WORD, Side.OTHER, Side.LAST_NEWLINE) if self._asserts else (None,):
                self._work.spend(STEPS_OF_A_SIDE)
                self._fill(row, left, before, after)
            rows.append(row)
            at_end = Sides(before, Side.EDGE)
            self._work.spend(len(left))
            ends.append(any(self._derivatives.fits_empty(term, at_end) for term in left))
        return Table(np.stack(rows), np.array(ends))

    def _fill(self, row: Ints, left: frozenset[int], before: Side, after: Side | None) -> None:
        """Where the classes lead that have this side, or all."""
        targets = self._targets(left, before, after)
        for atoms, classes in self._alphabet.cells(frozenset(targets), after):
            found = self._inclusion.without_included(frozenset().union(*(targets[atom] for atom in atoms)))
            self._work.spend(len(found) + 1)
            row[classes] = self._number(found, Side.WORD if after is Side.WORD else Side.OTHER)

    def _targets(self, left: frozenset[int], before: Side, after: Side | None) -> dict[int, set[int]]:
        """What is left after a character, by its atom."""
        targets: dict[int, set[int]] = defaultdict(set)
        sides = ANYWHERE if after is None else Sides(before, Side.WORD if after is Side.WORD else Side.OTHER)
        for term in left:
            beginnings = self._derivatives.beginnings(term, sides)
            self._work.spend(len(beginnings))
            for atom, rest in beginnings:
                targets[atom].add(rest)
        if after is Side.LAST_NEWLINE:
            self._add_last(targets, left, before)
        return targets

    def _add_last(self, targets: dict[int, set[int]], left: frozenset[int], before: Side) -> None:
        """A newline may also be the text's last character: nothing is left then, if what is left can be empty."""
        end = Sides(Side.OTHER, Side.EDGE)
        for term in left:
            for atom, rest in self._derivatives.beginnings(term, Sides(before, Side.LAST_NEWLINE)):
                if self._derivatives.fits_empty(rest, end):
                    targets[atom].add(EMPTY)

    def _number(self, left: frozenset[int], before: Side) -> int:
        key = (left, before)
        if (number := self._numbers.get(key)) is None:
            if len(self._states) >= MAX_CONSTRUCTED:
                raise PatternTooLargeError("states before it is minimized", MAX_CONSTRUCTED)
            number = self._numbers[key] = len(self._states)
            self._states.append(key)
        return number
