"""What is left of a pattern after a beginning of a text: its partial derivatives (Antimirov, 1996), with counts left
to count, and assertions decided by the characters on both sides.

A term is a number; equal terms have the same number. Nothing is expanded before a text gets there, so `(a{9}){9}` is
not 81 terms.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final, NamedTuple

from charrnn.patterns.bounds import Work
from charrnn.patterns.nodes import Alternation, Assertion, Characters, Concatenation, Graph, Node, Repeat
from charrnn.patterns.sides import Sides, holds

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


Beginnings = tuple[tuple[int, int], ...]
"""Pairs of an atom's index and of the term that is left after one of its characters."""


STEPS_OF_A_TERM: Final = 7
"""What a new term counts: it takes as long to make, and to know what follows it, as that many looks at known ones."""


class Terms:
    """All terms of one pattern."""

    def __init__(self, work: Work) -> None:
        self.atoms: list[Characters] = []
        self.asserts = False
        """Whether any term asserts something, so that places differ."""
        self.work = work
        self._terms: list[Any] = [None]
        self._numbers: defaultdict[type, dict[Any, int]] = defaultdict(dict)
        self._beginnings: defaultdict[Sides, dict[int, Beginnings]] = defaultdict(dict)
        self._fits_empty: defaultdict[Sides, dict[int, bool]] = defaultdict(dict)
        self._graphs: list[tuple[list[list[tuple[int, int]]], frozenset[int]]] = []
        self._followed: dict[Way, tuple[list[int], bool]] = {}
        self._of_nodes: dict[int, tuple[Node, int]] = {}

    def __getitem__(self, term: int) -> Any:
        """What the term is: a Then, Either, Times, Way, Atom or Assertion."""
        return self._terms[term]

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
                    term = self._then(self.of(part), term)
                return term
            case Alternation(branches):
                return self._number(Either(tuple(dict.fromkeys(map(self.of, branches)))))
            case Repeat(body, least, most):
                return self._times(self.of(body), least, most)
            case Graph(edges, ends, start):
                self._graphs.append(([[(self.of(label), other) for label, other in each] for each in edges], ends))
                return self._number(Way(len(self._graphs) - 1, start))
            case Assertion():
                self.asserts = True
                return self._number(node)

    def fits_empty(self, term: int, sides: Sides) -> bool:
        """Whether the empty text at this place fits the term."""
        if term == EMPTY:
            return True
        known = self._fits_empty[sides]
        if (found := known.get(term)) is None:
            self.work.spend(1)
            found = known[term] = self._all_fit_empty(term, sides)
        return found

    def _all_fit_empty(self, term: int, sides: Sides) -> bool:
        while isinstance(one := self._terms[term], Then):
            if not self.fits_empty(one.first, sides):
                return False
            term = one.rest
        return self._one_fits_empty(one, sides)

    def beginnings(self, term: int, sides: Sides) -> Beginnings:
        """How texts of the term can begin at this place."""
        known = self._beginnings[sides]
        if (found := known.get(term)) is not None:
            return found
        pairs: dict[tuple[int, int], None] = {}
        rest = term
        while rest != EMPTY:
            one = self._terms[rest]
            first, rest = one if isinstance(one, Then) else (rest, EMPTY)
            for atom, left in self._first(first, sides):
                pairs[atom, self._then(left, rest)] = None
            if not self.fits_empty(first, sides):
                break
        self.work.spend(3 * len(pairs) + 1)
        found = known[term] = tuple(pairs)
        return found

    def _one_fits_empty(self, one: Any, sides: Sides) -> bool:
        match one:
            case Either(terms):
                return any(self.fits_empty(term, sides) for term in terms)
            case Times(term, least, _):
                return least == 0 or self.fits_empty(term, sides)
            case Way():
                ways, ended = self._ways(one)
                return ended or any(self.fits_empty(each, sides) for each in ways)
            case Assertion():
                return holds(one, sides)
        return False

    def _first(self, term: int, sides: Sides) -> Beginnings:
        """The beginnings of a term that is not itself a sequence, or of one within a sequence."""
        one = self._terms[term]
        match one:
            case Atom(number):
                return ((number, EMPTY),)
            case Either(terms):
                return tuple(pair for each in terms for pair in self.beginnings(each, sides))
            case Times(body, least, most):
                # Where the body fits the empty text, all that is still due can be empty.
                due = 0 if least == 0 or self.fits_empty(body, sides) else least - 1
                more = self._times(body, due, None if most is None else most - 1)
                return tuple((atom, self._then(left, more)) for atom, left in self.beginnings(body, sides))
            case Way():
                return tuple(pair for each in self._ways(one)[0] for pair in self.beginnings(each, sides))
            case Then():
                return self.beginnings(term, sides)
        return ()

    def _ways(self, way: Way) -> tuple[list[int], bool]:
        """What can follow in a vertex, a term for each edge that takes characters, and whether its graph can end there.
        Edges that take none are followed here: there may be thousands, one behind the other."""
        if way not in self._followed:
            edges, ends = self._graphs[way.graph]
            ways, reached = [], [way.vertex]
            seen = {*reached}
            for vertex in reached:  # grows meanwhile
                self.work.spend(len(edges[vertex]) + 1)
                for label, other in edges[vertex]:
                    if label != EMPTY:
                        ways.append(self._then(label, self._number(Way(way.graph, other))))
                    elif other not in seen:
                        seen.add(other)
                        reached.append(other)
            self._followed[way] = ways, not ends.isdisjoint(reached)
        return self._followed[way]

    def _then(self, first: int, rest: int) -> int:
        if EMPTY in {first, rest}:
            return first or rest
        return self._number(Then(first, rest))

    def _times(self, term: int, least: int, most: int | None) -> int:
        if most == 0 or term == EMPTY:
            return EMPTY
        return term if least == most == 1 else self._number(Times(term, least, most))

    def _atom(self, characters: Characters) -> int:
        term = self._numbers[Characters].get(characters)
        if term is None:
            term = self._numbers[Characters][characters] = self._number(Atom(len(self.atoms)))
            self.atoms.append(characters)
        return term

    def _number(self, one: Any) -> int:
        known = self._numbers[type(one)]
        if (number := known.get(one)) is None:
            self.work.spend(STEPS_OF_A_TERM)
            number = known[one] = len(self._terms)
            self._terms.append(one)
        return number
