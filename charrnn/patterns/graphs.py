"""Patterns as graphs of characters: what several have in common, and whether a text fits."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable
from typing import Final, TypeVar

from charrnn.patterns.bounds import MAX_STATES
from charrnn.patterns.errors import PatternTooLargeError
from charrnn.patterns.nodes import Characters, Edge, Graph, Node, matching

MAX_EDGES: Final = 10 * MAX_STATES
"""Edges of one graph, in which many may be the same state in the end."""

ANYTHING: Final = matching(r"[\s\S]")

Key = TypeVar("Key", bound=Hashable)


def explored(start: Key, edges_of: Callable[[Key], Iterable[tuple[Node, Key]]], ends: Callable[[Key], bool]) -> Graph:
    """The graph of what is reached from a start, numbered breadth first, without what leads to no end.

    Raises PatternTooLargeError.
    """
    numbers, queue, edges = {start: 0}, deque([start]), []
    while queue:
        for label, other in dict.fromkeys(edges_of(key := queue.popleft())):
            if isinstance(label, Characters) and label.nothing:
                continue
            if other not in numbers:
                numbers[other] = len(numbers)
                queue.append(other)
            edges.append((numbers[key], label, numbers[other]))
            if len(edges) > MAX_EDGES:
                raise PatternTooLargeError("steps between the characters of a text", MAX_EDGES)
    return _trimmed(edges, {number for key, number in numbers.items() if ends(key)})


def _trimmed(edges: list[tuple[int, Node, int]], ends: set[int]) -> Graph:
    """The graph without what leads to no end; 0, where it starts, stays."""
    before: dict[int, list[int]] = {}
    for start, _, other in edges:
        before.setdefault(other, []).append(start)
    alive, queue = {*ends}, [*ends]
    while queue:
        for each in before.get(queue.pop(), ()):
            if each not in alive:
                alive.add(each)
                queue.append(each)
    numbers = {old: new for new, old in enumerate(sorted(alive | {0}))}
    kept: list[list[Edge]] = [[] for _ in numbers]
    for start, label, other in edges:
        if start in alive and other in alive:
            kept[numbers[start]].append((label, numbers[other]))
    return Graph(tuple(map(tuple, kept)), frozenset(numbers[each] for each in ends))


def both(first: Graph, second: Graph) -> Graph:
    """The texts of two graphs whose edges are all characters. Raises PatternTooLargeError."""

    def edges_of(pair: tuple[int, int]) -> Iterable[tuple[Node, tuple[int, int]]]:
        for label, other in first.edges[pair[0]]:
            for second_label, second_other in second.edges[pair[1]]:
                yield _common(label, second_label), (other, second_other)

    return explored((0, 0), edges_of, lambda pair: pair[0] in first.ends and pair[1] in second.ends)


def _common(first: Node, second: Node) -> Node:
    assert isinstance(first, Characters) and isinstance(second, Characters)
    if first == ANYTHING:
        return second
    return first if second in {first, ANYTHING} else first.common(second)


def of_length(least: int, most: int | None) -> Graph:
    """All texts of so many characters. Raises PatternTooLargeError."""
    last = least if most is None else most
    if max(least, last) > MAX_STATES:
        raise PatternTooLargeError("states", MAX_STATES)

    def edges_of(length: int) -> Iterable[tuple[Node, int]]:
        if length < last or most is None:
            yield ANYTHING, min(length + 1, last)

    return explored(0, edges_of, lambda length: length >= least)


def takes(graph: Graph, text: str) -> bool:
    """Whether a text fits a graph whose edges are all characters."""
    reached = {0}
    for each in text:
        reached = {
            other
            for vertex in reached
            for label, other in graph.edges[vertex]
            if isinstance(label, Characters) and label.among(each)
        }
    return not reached.isdisjoint(graph.ends)
