"""From a JSON schema to a pattern's syntax tree: the JSON texts of its values, as `json.dumps` writes them."""

from __future__ import annotations

import json
from itertools import combinations
from typing import Any, NoReturn

from charrnn.patterns.errors import InvalidPatternError, PatternTooLargeError, UnsupportedPatternError
from charrnn.patterns.flattening import flat
from charrnn.patterns.graphs import both
from charrnn.patterns.json_schema import facts
from charrnn.patterns.json_schema.conjunction import (
    Alternatives,
    Conjunction,
    Key,
    Parts,
    Resolver,
    key_of,
)
from charrnn.patterns.json_schema.containers import Property, array, object_
from charrnn.patterns.json_schema.exclusive import Excluder
from charrnn.patterns.json_schema.located import Located, at, shown
from charrnn.patterns.json_schema.numbers import multiples, number
from charrnn.patterns.json_schema.strings import with_match
from charrnn.patterns.json_schema.values import Checker
from charrnn.patterns.nodes import NOTHING, Alternation, Node, literal


def schema_node(source: str) -> Node:
    """The texts of the values that fit a JSON schema: with ", " and ": " between, no other space, the properties of an
    object in the order of the schema and no others, numbers without exponents.

    Raises InvalidPatternError for what is no JSON schema, UnsupportedPatternError for what cannot be said, both naming
    the keyword and its place, and PatternTooLargeError.
    """
    root = _read(source)
    return _Translation(root).node((Located(root),))


def _read(source: str) -> Any:
    try:
        return json.loads(source, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        place = f"at position {error.pos} (line {error.lineno}, column {error.colno})"
        raise InvalidPatternError(f"a JSON schema must be JSON: {error.msg}", place, error.pos) from None
    except RecursionError:
        raise PatternTooLargeError("values within each other", 1000) from None
    except ValueError as error:
        raise InvalidPatternError(f"a JSON schema must be JSON: {error}") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


class _Translation:
    """The translation of one schema."""

    def __init__(self, root: Any) -> None:
        self._resolver = Resolver(root)
        self._checker = Checker(self._resolver)
        self._excluder = Excluder(self._resolver, self._checker)
        self._known: dict[Key, Node] = {}

    def node(self, parts: Parts, settled: frozenset[str] = frozenset()) -> Node:
        """The texts of the values that fit all of several schemas; `settled`: as for `Resolver.all_of`."""
        key = key_of(parts, settled)
        if key not in self._known:
            self._known[key] = self._node(parts, settled)
        return self._known[key]

    def _node(self, parts: Parts, settled: frozenset[str]) -> Node:
        conjunction = self._resolver.all_of(parts, settled)
        if conjunction.never:
            return NOTHING
        listed = facts.listed(conjunction)
        if listed is not None:
            return Alternation(tuple(literal(_text(each)) for each in listed if self._checker.fits(each, parts)))
        if conjunction.alternatives:
            return self._chosen(conjunction.alternatives[0], parts, settled)
        types = facts.meant(conjunction)
        if not types and not any(conjunction.given("type")):
            place = at(parts[0].place) if parts else "of a property without a schema"
            raise UnsupportedPatternError("a value of any type", place)
        numeric = "number" if facts.FRACTION in types else "integer"
        kinds = dict.fromkeys(numeric if each in {"integer", facts.FRACTION} else each for each in types)
        return Alternation(tuple(self._of_type(kind, conjunction) for kind in kinds))

    def _chosen(self, alternatives: Alternatives, parts: Parts, settled: frozenset[str]) -> Node:
        """The values that fit one of the branches, too."""
        settled |= {alternatives.place}
        branches = [(*parts, branch) for branch in alternatives.branches]
        if alternatives.keyword == "oneOf":
            self._check_exclusive(alternatives, branches, settled)
        return Alternation(tuple(self.node(branch, settled) for branch in branches))

    def _check_exclusive(self, alternatives: Alternatives, branches: list[Parts], settled: frozenset[str]) -> None:
        listed = [facts.listed(self._resolver.all_of(branch, settled)) is not None for branch in branches]
        for (i, first), (j, second) in combinations(enumerate(branches), 2):
            checked = listed[i] and listed[j]  # value by value
            if not checked and not self._excluder.exclude(first, second, settled):
                raise UnsupportedPatternError(
                    f"oneOf where the branches {i} and {j} may both fit (anyOf takes both)", at(alternatives.place)
                )

    def _of_type(self, kind: str, conjunction: Conjunction) -> Node:
        match kind:
            case "object":
                return self._object(conjunction)
            case "array":
                return self._array(conjunction)
            case "string":
                return self._string(conjunction)
            case "boolean":
                return Alternation((literal("true"), literal("false")))
            case "null":
                return literal("null")
        return self._number(kind, conjunction)

    def _object(self, conjunction: Conjunction) -> Node:
        required = facts.required(conjunction)
        properties = []
        for name, parts in facts.properties(conjunction).items():
            if not parts:
                place = required[name].place("required")
                raise UnsupportedPatternError(f"the required property {shown(name)} without a schema", place)
            properties.append(Property(literal(f"{_text(name)}: "), self.node(parts), name in required))
        return object_(properties, *facts.counts(conjunction, "Properties"))

    def _array(self, conjunction: Conjunction) -> Node:
        least, most = facts.counts(conjunction, "Items")
        differing = facts.must_differ(conjunction)
        if differing and (most is None or most > 1):
            raise UnsupportedPatternError("the keyword uniqueItems", differing.place("uniqueItems"))
        first = facts.prefix(conjunction)
        items = []
        for index in range(first + 1 if most is None else min(first + 1, most)):
            parts = facts.item(conjunction, index)
            if not parts:
                raise UnsupportedPatternError("an array without items, which may be of any type,", conjunction.place)
            items.append(self.node(parts))
        return array(items, least, most)

    def _string(self, conjunction: Conjunction) -> Node:
        for searched, facet in conjunction.given("pattern"):
            try:
                with_match(searched)
            except InvalidPatternError as error:
                raise InvalidPatternError(f"{error} in the pattern", facet.place("pattern")) from None
            except UnsupportedPatternError as error:
                place = ", ".join(filter(None, (facet.place("pattern"), error.place)))
                raise UnsupportedPatternError(f"{error.feature} in the pattern", place) from None
        return facts.text(conjunction).node()

    def _number(self, kind: str, conjunction: Conjunction) -> Node:
        lower, upper = facts.bounds(conjunction)
        multiple = facts.multiple(conjunction)
        whole = kind == "integer" or multiple is not None
        found = number(lower, upper, whole=whole, place=conjunction.place)
        return found if multiple is None else both(flat(found), multiples(multiple))


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
