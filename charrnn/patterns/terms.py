"""What can be left of a pattern after a beginning of a text: terms.

A term is a number; equal terms have the same number. Nothing is expanded before a text gets there, so `(a{9}){9}` is
not 81 terms.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final, NamedTuple

from charrnn.patterns.bounds import Work
from charrnn.patterns.nodes import Alternation, Assertion, Characters, Concatenation, Graph, Node, Repeat

EMPTY: Final = 0
"""The term that only the empty text fits."""


class Then(NamedTuple):
    """One term after another."""

    first: int
    rest: int


class Either(NamedTuple):
    """Any of some terms."""

    terms: tuple[int, ...]


class Times(NamedTuple):
    """A term at least `least` and at most `most` times."""

    term: int
    least: int
    most: int | None


class Way(NamedTuple):
    """A way through graph number `graph` from a vertex to one of its ends."""

    graph: int
    vertex: int


class Atom(NamedTuple):
    """One character of `atoms[number]`."""

    number: int


STEPS_OF_A_TERM: Final = 7
"""What a new term counts: it takes as long to make, and to know what follows it, as that many looks at known ones."""


class Terms:
    """All terms of one pattern. Each new one counts as `work`."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.all: list[Any] = [None]
        """What each term is: a Then, Either, Times, Way, Atom or Assertion."""
        self.atoms: list[Characters] = []
        self.asserts = False
        """Whether any term asserts something, so that places differ."""
        self.graphs: list[tuple[list[list[tuple[int, int]]], frozenset[int]]] = []
        """Of each graph the edges of its vertices, pairs of a term and a vertex, and its ends."""
        self._numbers: defaultdict[type, dict[Any, int]] = defaultdict(dict)
        self._of_nodes: dict[int, tuple[Node, int]] = {}

    def of(self, node: Node) -> int:
        """The term of a node."""
        if id(node) not in self._of_nodes:  # a node that occurs often is the same object
            self._of_nodes[id(node)] = node, self._of(node)
        return self._of_nodes[id(node)][1]

    def _of(self, node: Node) -> int:
        match node:
            case Characters():
                return self._atom(node)
            case Concatenation(parts):
                term = EMPTY
                for part in reversed(parts):
                    term = self.then(self.of(part), term)
                return term
            case Alternation(branches):
                return self.number(Either(tuple(dict.fromkeys(map(self.of, branches)))))
            case Repeat(body, least, most):
                return self.times(self.of(body), least, most)
            case Graph(edges, ends, start):
                self.graphs.append(([[(self.of(label), other) for label, other in each] for each in edges], ends))
                return self.number(Way(len(self.graphs) - 1, start))
            case Assertion():
                self.asserts = True
                return self.number(node)

    def then(self, first: int, rest: int) -> int:
        """The term of one term after another."""
        if EMPTY in {first, rest}:
            return first or rest
        return self.number(Then(first, rest))

    def times(self, term: int, least: int, most: int | None) -> int:
        """The term of a repeated one."""
        if most == 0 or term == EMPTY:
            return EMPTY
        return term if least == most == 1 else self.number(Times(term, least, most))

    def number(self, one: Any) -> int:
        """The number of the term that is this; a new one counts as work."""
        known = self._numbers[type(one)]
        if (number := known.get(one)) is None:
            self.work.spend(STEPS_OF_A_TERM)
            number = known[one] = len(self.all)
            self.all.append(one)
        return number

    def _atom(self, characters: Characters) -> int:
        term = self._numbers[Characters].get(characters)
        if term is None:
            term = self._numbers[Characters][characters] = self.number(Atom(len(self.atoms)))
            self.atoms.append(characters)
        return term
