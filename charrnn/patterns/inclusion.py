"""Which of a pattern's terms include others that differ in their counts alone, so that these need not be followed."""

from __future__ import annotations

from collections import defaultdict
from math import inf
from operator import ge
from typing import Final

from charrnn.patterns.terms import Terms, Then, Times

Counts = tuple[float, ...]

MAX_FORM_DEPTH: Final = 6
"""How deep in a term counts are compared."""


class Inclusion:
    """Compares terms by their forms, which are the same for terms that differ in their counts alone."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._forms: tuple[dict[int, tuple[int, Counts]], ...] = tuple({} for _ in range(MAX_FORM_DEPTH + 1))
        self._form_numbers: dict[tuple[int, ...], int] = {}
        """Below 0: they are no terms."""

    def without_included(self, terms: frozenset[int]) -> frozenset[int]:
        """Without terms all of whose texts fit another one that differs in its counts alone."""
        if len(terms) < 2:
            return terms
        alike: dict[int, list[tuple[Counts, int]]] = defaultdict(list)
        for term in terms:
            form, counts = self._form(term)
            alike[form].append((counts, term))
        if len(alike) == len(terms):
            return terms
        return frozenset(term for each in alike.values() for term in self._widest(each))

    def _widest(self, terms: list[tuple[Counts, int]]) -> list[int]:
        """Those of terms of one form that no other includes."""
        kept: list[tuple[Counts, int]] = []
        for counts, term in sorted(terms, reverse=True):  # after all that could include it
            self._terms.work.spend(2 + len(kept) // 4)
            if not any(all(map(ge, wider, counts)) for wider, _ in kept):
                kept.append((counts, term))
        return [term for _, term in kept]

    def _form(self, term: int, depth: int = 0) -> tuple[int, Counts]:
        """A number for the term but for its counts, and these: the larger, the more texts fit."""
        known = self._forms[depth]
        if (found := known.get(term)) is None:
            found = known[term] = self._formed(term, depth)
        return found

    def _formed(self, term: int, depth: int) -> tuple[int, Counts]:
        match self._terms.all[term]:
            case Then(first, rest) if depth < MAX_FORM_DEPTH:
                (begins, few), (goes_on, more) = self._form(first, depth + 1), self._form(rest, depth + 1)
                return self._form_numbers.setdefault((begins, goes_on), -1 - len(self._form_numbers)), few + more
            case Times(body, least, most):
                counts = (-least, inf if most is None else most)
                return self._form_numbers.setdefault((body,), -1 - len(self._form_numbers)), counts
        return term, ()
