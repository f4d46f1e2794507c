"""From a pattern's syntax tree to a graph of characters, in which what holds between two characters is settled."""

from __future__ import annotations

import string
from collections.abc import Iterable, Iterator
from typing import Final

from charrnn.patterns.errors import PatternTooLargeError
from charrnn.patterns.graphs import MAX_EDGES, explored
from charrnn.patterns.nodes import (
    EMPTY,
    Alternation,
    Assertion,
    Characters,
    Concatenation,
    Edge,
    Graph,
    Node,
    Repeat,
    matching,
)

_ASCII_WORD: Final = string.ascii_letters + string.digits + "_"

_KINDS: Final = {
    "word": matching(f"[{_ASCII_WORD}]"),
    "foreign word": matching(r"\w", without=_ASCII_WORD),
    "other": matching(r"\W"),
}
"""Kinds of characters at a word's boundary; foreign ones are part of a word in Python and not in JavaScript."""

_START, _END, _ANY = "start", "end", "any"
"""In place of a kind: before the first character, behind the last, and any character where kinds do not matter."""


def flat(node: Node) -> Graph:
    """The same as a graph whose edges are all characters. Raises PatternTooLargeError.

    Where Python and JavaScript disagree about a word's boundary there is none, nor is there none.
    """
    drawing = _Drawing()
    end = drawing.add(node, drawing.vertex())
    return _Settling(drawing.edges, end).graph()


class _Drawing:
    """A graph with edges that take nothing, or assert something, that grows."""

    def __init__(self) -> None:
        self.edges: list[list[Edge]] = []
        self._count = 0

    def vertex(self) -> int:
        self.edges.append([])
        return len(self.edges) - 1

    def edge(self, start: int, label: Node, end: int) -> int:
        self._count += 1
        if self._count > MAX_EDGES:
            raise PatternTooLargeError("steps between the characters of a text", MAX_EDGES)
        self.edges[start].append((label, end))
        return end

    def add(self, node: Node, start: int) -> int:
        """Adds what leads from a vertex through the node; returns the vertex behind it."""
        if isinstance(node, Concatenation):
            for part in node.parts:
                start = self.add(part, start)
            return start
        if isinstance(node, Alternation):
            end = self.vertex()
            for branch in node.branches:
                self.edge(self.add(branch, start), EMPTY, end)
            return end
        if isinstance(node, Repeat):
            return self._repeat(node, start)
        if isinstance(node, Graph):
            return self._graph(node, start)
        return self.edge(start, node, self.vertex())

    def _repeat(self, node: Repeat, start: int) -> int:
        for _ in range(node.least):
            start = self.add(node.body, self.edge(start, EMPTY, self.vertex()))
        end = self.vertex()
        if node.most is None:
            start = self.edge(start, EMPTY, self.vertex())
            self.edge(self.add(node.body, start), EMPTY, start)
        else:
            for _ in range(node.most - node.least):
                self.edge(start, EMPTY, end)
                start = self.add(node.body, start)
        return self.edge(start, EMPTY, end)

    def _graph(self, graph: Graph, start: int) -> int:
        vertices = [self.vertex() for _ in graph.edges]
        end = self.vertex()
        self.edge(start, EMPTY, vertices[0])
        for vertex, edges in zip(vertices, graph.edges, strict=True):
            for label, other in edges:
                self.edge(self.add(label, vertex), EMPTY, vertices[other])
        for each in graph.ends:
            self.edge(vertices[each], EMPTY, end)
        return end


class _Settling:
    """Settles which edges can follow which: a vertex becomes one for each kind of character that may be before it."""

    def __init__(self, edges: list[list[Edge]], end: int) -> None:
        self._edges, self._end = edges, end
        labels = {label for each in edges for label, _ in each if isinstance(label, Assertion)}
        by_kind = not labels.isdisjoint({Assertion.BOUNDARY, Assertion.NO_BOUNDARY})
        self._kinds: dict[str, Characters | None] = {**_KINDS} if by_kind else {_ANY: None}
        self._work = 0

    def graph(self) -> Graph:
        return explored((0, _START), self._after, self._may_end)

    def _after(self, key: tuple[int, str]) -> Iterator[tuple[Node, tuple[int, str]]]:
        for vertex, kinds in self._reached(*key):
            for label, other in self._edges[vertex]:
                if isinstance(label, Characters):
                    for kind, limit in self._kinds.items():
                        if kind in kinds:
                            yield label if limit is None else label.common(limit), (other, kind)

    def _may_end(self, key: tuple[int, str]) -> bool:
        return any(vertex == self._end and _END in kinds for vertex, kinds in self._reached(*key))

    def _reached(self, vertex: int, before: str) -> Iterable[tuple[int, frozenset[str]]]:
        """The vertices reached without a character, and what may come next there."""
        stack = [(vertex, frozenset({*self._kinds, _END}))]
        seen = dict.fromkeys(stack)
        while stack:
            vertex, kinds = stack.pop()
            self._work += 1
            if self._work > 100 * MAX_EDGES:
                raise PatternTooLargeError("steps to find which characters follow which", 100 * MAX_EDGES)
            for label, other in self._edges[vertex]:
                if isinstance(label, Assertion):
                    found = other, kinds & _permitted(label, before)
                elif label == EMPTY:
                    found = other, kinds
                else:
                    continue
                if found[1] and found not in seen:
                    seen[found] = None
                    stack.append(found)
        return seen


def _permitted(assertion: Assertion, before: str) -> frozenset[str]:
    """Which kinds of characters may come next if an assertion holds behind one of a kind."""
    everything = frozenset({*_KINDS, _ANY, _END})
    if assertion is Assertion.START:
        return everything if before == _START else frozenset()
    if assertion in {Assertion.END, Assertion.LINE_END}:
        return frozenset({_END})
    if assertion is Assertion.BOUNDARY:
        return {"word": frozenset({"other", _END}), "foreign word": frozenset[str]()}.get(before, frozenset({"word"}))
    same = {_START: "other"}.get(before, before)
    return frozenset({same, _END} if before == "other" else {same})
