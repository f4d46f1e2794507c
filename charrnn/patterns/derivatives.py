"""What is left of a pattern after a beginning of a text: its partial derivatives (Antimirov, 1996), with counts left
to count, and assertions decided by the characters on both sides."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from charrnn.patterns.nodes import Assertion
from charrnn.patterns.sides import Sides, holds
from charrnn.patterns.terms import EMPTY, Atom, Either, Terms, Then, Times, Way

Beginnings = tuple[tuple[int, int], ...]
"""Pairs of an atom's index and of the term that is left after one of its characters."""


class Derivatives:
    """How texts of a pattern's terms begin; what was found once is known."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self._all = terms.all
        self._beginnings: defaultdict[Sides, dict[int, Beginnings]] = defaultdict(dict)
        self._fits_empty: defaultdict[Sides, dict[int, bool]] = defaultdict(dict)
        self._followed: dict[Way, tuple[list[int], bool]] = {}

    def fits_empty(self, term: int, sides: Sides) -> bool:
        """Whether the empty text at this place fits the term."""
        if term == EMPTY:
            return True
        known = self._fits_empty[sides]
        if (found := known.get(term)) is None:
            self.terms.work.spend(1)
            found = known[term] = self._all_fit_empty(term, sides)
        return found

    def _all_fit_empty(self, term: int, sides: Sides) -> bool:
        while isinstance(one := self._all[term], Then):
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
            one = self._all[rest]
            first, rest = one if isinstance(one, Then) else (rest, EMPTY)
            for atom, left in self._first(first, sides):
                pairs[atom, self.terms.then(left, rest)] = None
            if not self.fits_empty(first, sides):
                break
        self.terms.work.spend(3 * len(pairs) + 1)
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
        one = self._all[term]
        match one:
            case Atom(number):
                return ((number, EMPTY),)
            case Either(terms):
                return tuple(pair for each in terms for pair in self.beginnings(each, sides))
            case Times(body, least, most):
                # Where the body fits the empty text, all that is still due can be empty.
                due = 0 if least == 0 or self.fits_empty(body, sides) else least - 1
                more = self.terms.times(body, due, None if most is None else most - 1)
                return tuple((atom, self.terms.then(left, more)) for atom, left in self.beginnings(body, sides))
            case Way():
                return tuple(pair for each in self._ways(one)[0] for pair in self.beginnings(each, sides))
            case Then():
                return self.beginnings(term, sides)
        return ()

    def _ways(self, way: Way) -> tuple[list[int], bool]:
        """What can follow in a vertex, a term for each edge that takes characters, and whether its graph can end there.
        Edges that take none are followed here: there may be thousands, one behind the other."""
        if way not in self._followed:
            edges, ends = self.terms.graphs[way.graph]
            ways, reached = [], [way.vertex]
            seen = {*reached}
            for vertex in reached:  # grows meanwhile
                self.terms.work.spend(len(edges[vertex]) + 1)
                for label, other in edges[vertex]:
                    if label != EMPTY:
                        ways.append(self.terms.then(label, self.terms.number(Way(way.graph, other))))
                    elif other not in seen:
                        seen.add(other)
                        reached.append(other)
            self._followed[way] = ways, not ends.isdisjoint(reached)
        return self._followed[way]
