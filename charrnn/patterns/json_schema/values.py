"""Whether a value, one that a schema lists, fits schemas."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, Final

from charrnn.patterns.errors import PatternTooLargeError
from charrnn.patterns.graphs import takes
from charrnn.patterns.json_schema import facts
from charrnn.patterns.json_schema.conjunction import Alternatives, Conjunction, Facet, Parts, Resolver
from charrnn.patterns.json_schema.strings import Text

MAX_STEPS: Final = 2_000_000
"""Steps in which listed values are compared with what is to hold of them: characters of strings times vertices."""


class Checker:
    """Tells whether values fit; counts the work."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._listed: dict[str, set[str]] = {}
        self._steps = 0

    def fits(self, value: Any, parts: Parts, settled: frozenset[str] = frozenset()) -> bool:
        """Whether a value fits all of several schemas, without the alternatives in `settled`. Raises a PatternError."""
        self._spend(1)
        conjunction = self._resolver.all_of(parts, settled)
        return self._holds(value, conjunction) and all(self._chosen(value, each) for each in conjunction.alternatives)

    def _chosen(self, value: Any, alternatives: Alternatives) -> bool:
        fitting = sum(self.fits(value, (branch,)) for branch in alternatives.branches)
        return fitting == 1 if alternatives.keyword == "oneOf" else fitting > 0

    def _spend(self, steps: int) -> None:
        self._steps += steps
        if self._steps > MAX_STEPS:
            raise PatternTooLargeError("steps to tell which of the listed values fit", MAX_STEPS)

    def _holds(self, value: Any, conjunction: Conjunction) -> bool:
        """Whether all facets hold of a value; alternatives are not looked at."""
        if (
            conjunction.never
            or type_of(value) not in facts.types(conjunction)
            or not self._is_listed(value, conjunction)
        ):
            return False
        match value:
            case dict():
                return self._object(value, conjunction)
            case list():
                return self._array(value, conjunction)
            case str():
                return self._text(value, facts.text(conjunction))
        return value is None or isinstance(value, bool) or _number(value, conjunction)

    def _is_listed(self, value: Any, conjunction: Conjunction) -> bool:
        return all(same(given) == same(value) for given, _ in conjunction.given("const")) and all(
            same(value) in self._listed_by(facet) for _, facet in conjunction.given("enum")
        )

    def _listed_by(self, facet: Facet) -> set[str]:
        """The values that a facet lists, comparable."""
        if facet.located.place not in self._listed:
            self._listed[facet.located.place] = {*map(same, facet.keywords["enum"])}
        return self._listed[facet.located.place]

    def _object(self, value: dict[str, Any], conjunction: Conjunction) -> bool:
        least, most = facts.counts(conjunction, "Properties")
        if len(value) < least or (most is not None and len(value) > most):
            return False
        if not value.keys() >= facts.required(conjunction).keys():
            return False
        return all(self.fits(each, facts.property_(conjunction, name)) for name, each in value.items())

    def _array(self, value: list[Any], conjunction: Conjunction) -> bool:
        least, most = facts.counts(conjunction, "Items")
        if len(value) < least or (most is not None and len(value) > most):
            return False
        if facts.must_differ(conjunction) and len({*map(same, value)}) < len(value):
            return False
        return all(self.fits(each, facts.item(conjunction, index)) for index, each in enumerate(value))

    def _text(self, value: str, text: Text) -> bool:
        if len(value) < text.least or (text.most is not None and len(value) > text.most):
            return False
        for graph in text.graphs():
            self._spend(len(value) * len(graph.edges))
            if not takes(graph, value):
                return False
        return True


def _number(value: float, conjunction: Conjunction) -> bool:
    lower, upper = facts.bounds(conjunction)
    number = Decimal(repr(value))
    if lower and (number < lower.number or (lower.exclusive and number == lower.number)):
        return False
    if upper and (number > upper.number or (upper.exclusive and number == upper.number)):
        return False
    multiple = facts.multiple(conjunction)
    return multiple is None or value % multiple == 0


def type_of(value: Any) -> str:
    """The type of a value, one of `facts.EVERY_TYPE`."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case str():
            return "string"
        case list():
            return "array"
        case dict():
            return "object"
    return "integer" if value == int(value) else facts.FRACTION


def same(value: Any) -> str:
    """What is the same for two values if and only if JSON counts them as equal: 1 and 1.0, but not 1 and true."""
    return json.dumps(_plain(value), sort_keys=True)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [*map(_plain, value)]
    return int(value) if isinstance(value, float) and value == int(value) else value
