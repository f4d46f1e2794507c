"""Whether it is certain that no value fits two schemas, as oneOf needs it."""

from __future__ import annotations

from typing import Final

from charrnn.patterns.errors import PatternTooLargeError
from charrnn.patterns.json_schema import facts
from charrnn.patterns.json_schema.conjunction import Conjunction, Parts, Resolver
from charrnn.patterns.json_schema.numbers import Bound
from charrnn.patterns.json_schema.values import Checker

MAX_PAIRS: Final = 20_000
"""How many pairs of schemas are compared."""


class Excluder:
    """Tells whether schemas exclude each other."""

    def __init__(self, resolver: Resolver, checker: Checker) -> None:
        self._resolver, self._checker = resolver, checker
        self._pairs = 0

    def exclude(self, first: Parts, second: Parts, settled: frozenset[str] = frozenset()) -> bool:
        """Whether it is certain that no value fits both; the alternatives in `settled` are left out. Raises a
        PatternError."""
        self._pairs += 1
        if self._pairs > MAX_PAIRS:
            raise PatternTooLargeError("pairs of schemas to tell apart", MAX_PAIRS)
        one, other = (self._resolver.all_of(parts, settled) for parts in (first, second))
        if one.never or other.never:
            return True
        for conjunction in (one, other):
            listed = facts.listed(conjunction)
            if listed is not None:
                return not any(
                    self._checker.fits(each, first, settled) and self._checker.fits(each, second, settled)
                    for each in listed
                )
        if self._branches_exclude(one, second) or self._branches_exclude(other, first):
            return True
        shared = {*facts.types(one)} & {*facts.types(other)}
        return all(self._exclude_within(each, one, other) for each in shared)

    def _branches_exclude(self, one: Conjunction, second: Parts) -> bool:
        return any(
            all(self.exclude((branch,), second) for branch in alternatives.branches)
            for alternatives in one.alternatives
        )

    def _exclude_within(self, type_: str, one: Conjunction, other: Conjunction) -> bool:
        """Whether it is certain that no value of a type fits both."""
        match type_:
            case "integer" | facts.FRACTION:
                return _apart(facts.bounds(one), facts.bounds(other))
            case "string":
                return _counts_apart(facts.counts(one, "Length"), facts.counts(other, "Length"))
            case "array":
                return _counts_apart(facts.counts(one, "Items"), facts.counts(other, "Items"))
            case "object":
                return self._objects_exclude(one, other) or self._objects_exclude(other, one)
        return False

    def _objects_exclude(self, one: Conjunction, other: Conjunction) -> bool:
        """Whether one of the objects must have a property that the other cannot have, or of other values."""
        return any(
            self.exclude(facts.property_(one, name), facts.property_(other, name)) for name in facts.required(one)
        )


def _apart(first: tuple[Bound | None, Bound | None], second: tuple[Bound | None, Bound | None]) -> bool:
    """Whether all of one range are below all of the other."""
    return any(
        upper is not None
        and lower is not None
        and (upper.number < lower.number or (upper.number == lower.number and (upper.exclusive or lower.exclusive)))
        for upper, lower in ((first[1], second[0]), (second[1], first[0]))
    )


def _counts_apart(first: tuple[int, int | None], second: tuple[int, int | None]) -> bool:
    return any(most is not None and most < least for most, least in ((first[1], second[0]), (second[1], first[0])))
