"""Small automata with what is known of them by trying all texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from charrnn.patterns.automaton import NONE, Automaton

FAR = 1 << 20


def automaton_of(following: list[list[int]], ends: list[int], outputs: int) -> Automaton:
    """The states from which an end can be reached, the first of which is 0; `following` [states][ids] has none for the
    ids from there on, up to `outputs`."""
    table = np.full((len(following), outputs), NONE, dtype=np.int32)
    for state, row in enumerate(following):
        table[state, : len(row)] = row
    distances = np.full(len(table), FAR)
    distances[ends] = 0
    for _ in table:
        nearest = np.where(table == NONE, FAR, distances[table]).min(axis=1)
        distances = np.minimum(distances, nearest + 1)
    table[(table != NONE) & (distances[table] >= FAR)] = NONE
    kept = np.flatnonzero(distances < FAR)
    assert kept.size and kept[0] == 0, "no text fits"
    number = np.full(len(table), NONE)
    number[kept] = np.arange(kept.size)
    table = np.where(table[kept] == NONE, NONE, number[table[kept]])
    columns, classes = np.unique(table, axis=1, return_inverse=True)
    return Automaton(columns.astype(np.int32), classes.ravel().astype(np.int32), distances[kept].astype(np.int32))


def random_automaton(
    random: np.random.Generator, outputs: int, among: Iterable[int] | None = None, most: int = 8
) -> Automaton:
    """One that some text fits, of at most so many states, with ids that are taken often, or seldom, or never; it takes
    only those `among` these, if they are given."""
    untaken = np.ones(outputs, dtype=np.bool_)
    untaken[list(range(outputs) if among is None else among)] = False
    while True:
        states = int(random.integers(1, most + 1))
        dense = random.choice([0.1, 0.4, 0.9], size=(states, 1))
        table = random.integers(0, states, (states, outputs))
        table[random.random((states, outputs)) > dense] = NONE
        table[:, untaken | (random.random(outputs) < 0.2)] = NONE
        ends = random.permutation(states)[: int(random.integers(1, states + 1))]
        try:
            return automaton_of(table.tolist(), ends.tolist(), outputs)
        except AssertionError:
            continue


def fits(automaton: Automaton, ids: npt.NDArray[np.int32], state: int = 0) -> bool:
    """Whether this is a whole text of the automaton."""
    for id_ in ids.tolist():
        state = int(automaton.following[state, automaton.classes[id_]])
        if state == NONE:
            return False
    return automaton.may_end(state)


def texts(automaton: Automaton, length: int, state: int = 0) -> Iterator[tuple[int, ...]]:
    """All texts of at most `length` ids."""
    if automaton.may_end(state):
        yield ()
    if length:
        for id_, after in enumerate(automaton.following[state, automaton.classes].tolist()):
            if after != NONE:
                yield from ((id_, *rest) for rest in texts(automaton, length - 1, after))
