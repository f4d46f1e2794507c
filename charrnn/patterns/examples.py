"""Texts that fit: a shortest one, and all up to a length."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from charrnn.patterns.automaton import Automaton


def shortest(automaton: Automaton, state: int = 0) -> list[int]:
    """The ids of a text with which it ends soonest from the state: the lowest id at each step."""
    ids = []
    while automaton.distances[state]:
        ids.append(int(np.flatnonzero(automaton.choosable(state, int(automaton.distances[state])))[0]))
        state = automaton.after(state, ids[-1:])
    return ids


def texts(automaton: Automaton, longest: int, state: int = 0) -> Iterator[tuple[int, ...]]:
    """The ids of all texts of at most `longest` ids from the state, in ascending order."""
    if automaton.may_end(state):
        yield ()
    for id_ in np.flatnonzero(automaton.choosable(state, longest)).tolist():
        for rest in texts(automaton, longest - 1, automaton.after(state, [id_])):
            yield (id_, *rest)
