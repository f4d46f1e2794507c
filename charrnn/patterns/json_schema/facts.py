"""What the facets of a value say together: its types, and what is to hold of it if it is of a type."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from charrnn.patterns.json_schema.conjunction import Conjunction, Facet
from charrnn.patterns.json_schema.keywords import TYPES_OF_KEYWORDS
from charrnn.patterns.json_schema.located import Located
from charrnn.patterns.json_schema.numbers import Bound
from charrnn.patterns.json_schema.strings import Text

FRACTION: Final = "fraction"
"""Numbers are integers or fractions."""

EVERY_TYPE: Final = ("object", "array", "string", "integer", FRACTION, "boolean", "null")


def types(conjunction: Conjunction) -> list[str]:
    """The types, of EVERY_TYPE, that are allowed."""
    allowed = [*EVERY_TYPE]
    for given, _ in conjunction.given("type"):
        named = [given] if isinstance(given, str) else given
        allowed = [each for each in allowed if each in named or (each in {"integer", FRACTION} and "number" in named)]
    return allowed


def meant(conjunction: Conjunction) -> list[str]:
    """The types that are allowed; where none is named, those about which something is said."""
    if any(conjunction.given("type")):
        return types(conjunction)
    said = {TYPES_OF_KEYWORDS.get(keyword) for facet in conjunction.facets for keyword in facet.keywords}
    return [each for each in EVERY_TYPE if each in said or (each in {"integer", FRACTION} and "number" in said)]


def counts(conjunction: Conjunction, what: str) -> tuple[int, int | None]:
    """The strictest of minItems and maxItems, say, where `what` is Items."""
    least = max((int(given) for given, _ in conjunction.given(f"min{what}")), default=0)
    return least, min((int(given) for given, _ in conjunction.given(f"max{what}")), default=None)


def text(conjunction: Conjunction) -> Text:
    """What is to hold of a string."""
    least, most = counts(conjunction, "Length")
    searched, formats = (
        tuple(dict.fromkeys(given for given, _ in conjunction.given(keyword))) for keyword in ("pattern", "format")
    )
    return Text(least, most, searched, formats)


def bounds(conjunction: Conjunction) -> tuple[Bound | None, Bound | None]:
    """The strictest bounds of a number."""
    lower = max(_bounds(conjunction, "Minimum"), key=lambda bound: (bound.number, bound.exclusive), default=None)
    upper = min(_bounds(conjunction, "Maximum"), key=lambda bound: (bound.number, not bound.exclusive), default=None)
    return lower, upper


def _bounds(conjunction: Conjunction, which: str) -> Iterator[Bound]:
    for exclusive, keyword in ((False, which.lower()), (True, f"exclusive{which}")):
        for given, _ in conjunction.given(keyword):
            yield Bound(Decimal(repr(given)), exclusive)


def multiple(conjunction: Conjunction) -> int | None:
    """Of what a number must be a multiple."""
    given = [int(each) for each, _ in conjunction.given("multipleOf")]
    return math.lcm(*given) if given else None


def properties(conjunction: Conjunction) -> dict[str, tuple[Located, ...]]:
    """What is to hold of each property that an object may have, in their order; behind them required ones that have no
    schema of their own."""
    names = dict.fromkeys(name for given, _ in conjunction.given("properties") for name in given)
    names |= dict.fromkeys(required(conjunction))
    return {name: property_(conjunction, name) for name in names}


def property_(conjunction: Conjunction, name: str) -> tuple[Located, ...]:
    """What is to hold of a property of an object."""
    return tuple(_property(conjunction, name))


def _property(conjunction: Conjunction, name: str) -> Iterator[Located]:
    for facet in conjunction.facets:
        if name in facet.keywords.get("properties", {}):
            yield facet.child("properties", name)
        elif "additionalProperties" in facet.keywords:
            yield facet.child("additionalProperties")


def required(conjunction: Conjunction) -> dict[str, Facet]:
    """The properties that an object must have, and who says so."""
    return {name: facet for given, facet in conjunction.given("required") for name in given}


def item(conjunction: Conjunction, index: int) -> tuple[Located, ...]:
    """What is to hold of an array's element."""
    return tuple(_item(conjunction, index))


def _item(conjunction: Conjunction, index: int) -> Iterator[Located]:
    for facet in conjunction.facets:
        if index < len(facet.keywords.get("prefixItems", [])):
            yield facet.child("prefixItems", index)
        elif "items" in facet.keywords:
            yield facet.child("items")


def prefix(conjunction: Conjunction) -> int:
    """How many of an array's elements have schemas of their own."""
    return max((len(given) for given, _ in conjunction.given("prefixItems")), default=0)


def must_differ(conjunction: Conjunction) -> Facet | None:
    """Who says that the elements of an array must all differ."""
    return next((facet for given, facet in conjunction.given("uniqueItems") if given), None)


def listed(conjunction: Conjunction) -> list[Any] | None:
    """The values of which it must be one; others may still rule out some of these. None: of any."""
    for facet in conjunction.facets:
        if "const" in facet.keywords:
            return [facet.keywords["const"]]
    return next((given for given, _ in conjunction.given("enum")), None)
