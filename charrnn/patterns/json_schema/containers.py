"""Objects and arrays, whose parts are written with ", " between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from charrnn.patterns.bounds import MAX_STATES
from charrnn.patterns.errors import PatternTooLargeError
from charrnn.patterns.nodes import EMPTY, NOTHING, Concatenation, Edge, Graph, Node, literal

_COMMA: Final = literal(", ")


@dataclass(frozen=True, slots=True)
class Property:
    """A property of an object: its name with a colon and a space, the texts of its values, whether it must be there."""

    name: Node
    value: Node
    required: bool


def object_(properties: Sequence[Property], least: int = 0, most: int | None = None) -> Node:
    """Objects of properties in this order, of which at least and at most so many are there.

    Raises PatternTooLargeError.
    """
    last = max(least, 1) if most is None else most
    growing = _Growing()
    start = {0: growing.vertex()}  # by how many properties have been written; from `last` on it does not matter
    for each in properties:
        after: dict[int, int] = {}
        for count, vertex in start.items():
            if not each.required:
                growing.edge(vertex, EMPTY, after.setdefault(count, growing.vertex()))
        values: dict[int, int] = {}
        for count, vertex in start.items():
            if most is None or count < most:
                more = min(count + 1, last)
                separator = (_COMMA,) if count else ()
                named = Concatenation((*separator, each.name))
                growing.edge(vertex, named, values.setdefault(more, growing.vertex()))
        for more, vertex in values.items():
            growing.edge(vertex, each.value, after.setdefault(more, growing.vertex()))
        start = after
    ends = frozenset(vertex for count, vertex in start.items() if count >= least)
    return Concatenation((literal("{"), growing.graph(ends), literal("}")))


def array(items: Sequence[Node], least: int = 0, most: int | None = None) -> Node:
    """Arrays of at least and at most so many items: the n-th is of the n-th node, or of the last if there are fewer.

    Raises PatternTooLargeError.
    """
    if most is not None and most < least:
        return NOTHING
    growing = _Growing()
    start = growing.vertex()
    ends = {start} if least == 0 else set()
    last = max(least, len(items)) if most is None else most
    before = after = start
    for count in range(1, last + 1):
        before = growing.vertex()
        growing.edge(after, EMPTY if count == 1 else _COMMA, before)
        after = growing.edge(before, items[min(count, len(items)) - 1], growing.vertex())
        if count >= least:
            ends.add(after)
    if most is None:
        growing.edge(after, _COMMA, before)
    return Concatenation((literal("["), growing.graph(frozenset(ends)), literal("]")))


class _Growing:
    """A graph that grows up to a bound."""

    def __init__(self) -> None:
        self._edges: list[list[Edge]] = []

    def vertex(self) -> int:
        if len(self._edges) > 2 * MAX_STATES:
            raise PatternTooLargeError("states", MAX_STATES)
        self._edges.append([])
        return len(self._edges) - 1

    def edge(self, start: int, label: Node, end: int) -> int:
        self._edges[start].append((label, end))
        return end

    def graph(self, ends: frozenset[int]) -> Graph:
        return Graph(tuple(map(tuple, self._edges)), ends)
