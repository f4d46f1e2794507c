"""Why no text fits: nothing can, or the vocabulary lacks something."""

from __future__ import annotations

from collections import deque

import numpy as np

from charrnn.patterns.automaton import Automaton


def fewest_unknown(automaton: Automaton, known: list[bool]) -> list[int]:
    """The ids that are not known, each once, in a text that fits with the fewest of them."""
    best = {0: 0}
    came: dict[int, tuple[int, int]] = {}
    queue = deque([0])
    while queue:
        state = queue.popleft()
        if automaton.may_end(state):
            return _unknown_before(state, came, known)
        for id_ in np.flatnonzero(automaton.choosable(state, len(automaton))).tolist():
            other = automaton.after(state, [id_])
            cost = best[state] + (not known[id_])
            if cost < best.get(other, len(automaton)):
                best[other], came[other] = cost, (state, id_)
                (queue.appendleft if known[id_] else queue.append)(other)
    raise ValueError("no end can be reached")


def _unknown_before(state: int, came: dict[int, tuple[int, int]], known: list[bool]) -> list[int]:
    found = []
    while state in came:
        state, id_ = came[state]
        if not known[id_]:
            found.append(id_)
    return sorted(set(found))
