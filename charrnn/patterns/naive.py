"""A pattern's automaton as the definition reads, for small patterns: a first version, to be replaced."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from charrnn.patterns.automaton import NONE, Automaton
from charrnn.patterns.errors import EmptyPatternError
from charrnn.patterns.nodes import Alternation, Assertion, Characters, Concatenation, Graph, Node, Repeat

Rest = tuple[Node, ...]


def _opened(rest: Rest) -> set[Rest]:  # noqa: PLR0911
    """The same, as alternatives that each begin with a character or are empty."""
    if not rest:
        return {rest}
    node, after = rest[0], rest[1:]
    if isinstance(node, Concatenation):
        return _opened((*node.parts, *after))
    if isinstance(node, Alternation):
        return set().union(*(_opened((branch, *after)) for branch in node.branches))
    if isinstance(node, Repeat):
        found = _opened(after) if node.least == 0 else set()
        if node.most == 0:
            return found
        once = Repeat(node.body, max(0, node.least - 1), None if node.most is None else node.most - 1)
        return found | {each for each in _opened((node.body, once, *after)) if each != (once, *after)}
    if isinstance(node, Graph):
        ways = ((label, replace(node, start=other)) for label, other in node.edges[node.start])
        ended = _opened(after) if node.start in node.ends else set()
        return ended.union(*(_opened((*way, *after)) for way in ways))
    if isinstance(node, Assertion):
        raise NotImplementedError
    return {rest}


def automaton_of(node: Node, characters: str, outputs: int) -> Automaton:
    states: dict[frozenset[Rest], int] = {frozenset(_opened((node,))): 0}
    rows = []
    for state in (queue := [*states]):
        row = []
        for character in characters:
            after: set[Rest] = set()
            for rest in state:
                if rest and isinstance(rest[0], Characters) and rest[0].among(character):
                    after |= _opened(rest[1:])
            new = frozenset(after)
            if not new:
                row.append(NONE)
                continue
            if new not in states:
                states[new] = len(states)
                queue.append(new)
            row.append(states[new])
        rows.append(row + [NONE] * (outputs - len(characters)))
    following = np.array(rows, dtype=np.int32)
    distances = np.array([0 if () in state else len(states) for state in states], dtype=np.int64)
    for _ in states:
        ahead = np.where(following == NONE, len(states), distances[following]).min(1) + 1
        distances = np.minimum(distances, ahead)
    if distances[0] >= len(states):
        raise EmptyPatternError
    alive = distances < len(states)
    number = np.where(alive, np.cumsum(alive) - 1, NONE)
    following = np.where(following == NONE, NONE, number[following])[alive]
    return Automaton(following.astype(np.int32), np.arange(outputs, dtype=np.int32), distances[alive].astype(np.int32))
