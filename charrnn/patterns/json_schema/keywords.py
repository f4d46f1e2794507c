"""Which keywords a schema may have, and which values they; what a keyword means, other modules know."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from typing import Any, Final

from charrnn.patterns.errors import InvalidPatternError, PatternTooLargeError, UnsupportedPatternError
from charrnn.patterns.json_schema.formats import FORMATS
from charrnn.patterns.json_schema.located import MAX_DEPTH, Located, at, pointer, shown

ANNOTATIONS: Final = frozenset(
    {
        *("title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly"),
        *("$schema", "$id", "$comment", "$anchor", "$vocabulary", "$defs", "definitions"),
        *("contentEncoding", "contentMediaType", "contentSchema"),
    }
)
"""What says nothing about a value; definitions say something where they are referred to."""

TYPES: Final = ("object", "array", "string", "integer", "number", "boolean", "null")

TYPES_OF_KEYWORDS: Final = {
    **dict.fromkeys(("properties", "required", "additionalProperties", "minProperties", "maxProperties"), "object"),
    **dict.fromkeys(("prefixItems", "items", "minItems", "maxItems", "uniqueItems"), "array"),
    **dict.fromkeys(("minLength", "maxLength", "pattern", "format"), "string"),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"), "number"),
}
"""The only type about whose values a keyword says anything."""

Check = Callable[[Any], bool]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_count(value: Any) -> bool:
    return _is_number(value) and value >= 0 and value == int(value)


def _is_schema(value: Any) -> bool:
    return isinstance(value, dict | bool)


def _are_schemas(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_is_schema, value))


def _are_named_schemas(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_schema, value.values()))


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value) and len({*value}) == len(value)


def _is_type(value: Any) -> bool:
    return value in TYPES if isinstance(value, str) else bool(value) and _are_names(value) and {*value} <= {*TYPES}


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and bool(value)


CHECKS: Final[dict[str, tuple[Check, str]]] = {
    "type": (_is_type, f"one of {', '.join(TYPES)}, or a list of several of these"),
    "enum": (_is_list, "a list of at least one value"),
    "const": (lambda _: True, ""),
    "$ref": (_is_text, "a text"),
    **dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), (_are_schemas, "a list of at least one schema")),
    "properties": (_are_named_schemas, "an object of schemas"),
    "required": (_are_names, "a list of different texts"),
    **dict.fromkeys(("additionalProperties", "items"), (_is_schema, "a schema: an object, true or false")),
    **dict.fromkeys(
        ("minProperties", "maxProperties", "minItems", "maxItems", "minLength", "maxLength"),
        (_is_count, "a whole number from 0 on"),
    ),
    "uniqueItems": (lambda value: isinstance(value, bool), "true or false"),
    **dict.fromkeys(("pattern", "format"), (_is_text, "a text")),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), (_is_number, "a number")),
    "multipleOf": (lambda value: _is_number(value) and value > 0, "a number above 0"),
}
"""The keywords that say something about a value, whether a value is one of theirs, and what it must be."""


def keywords_of(located: Located) -> dict[str, Any]:
    """The keywords of a schema that say something about a value, all of which are supported and have valid values.

    Raises InvalidPatternError and UnsupportedPatternError, which name the keyword and its place.
    """
    if not _is_schema(located.schema):
        raise InvalidPatternError(
            f"a schema must be an object, true or false, not {shown(located.schema)}", at(located.place)
        )
    if isinstance(located.schema, bool):
        return {}
    for keyword, value in located.schema.items():
        if keyword not in ANNOTATIONS:
            _check(keyword, value, pointer(located.place, keyword))
    if located.place and "$id" in located.schema:
        raise UnsupportedPatternError("the keyword $id below the top", at(pointer(located.place, "$id")))
    return {keyword: value for keyword, value in located.schema.items() if keyword not in ANNOTATIONS}


def _check(keyword: str, value: Any, place: str) -> None:
    if keyword not in CHECKS:
        raise UnsupportedPatternError(f"the keyword {shown(keyword)}", at(place))
    valid, demand = CHECKS[keyword]
    if keyword == "items" and isinstance(value, list):
        raise UnsupportedPatternError("a list of items (prefixItems says the same)", at(place))
    if not valid(value):
        raise InvalidPatternError(f"{keyword} must be {demand}, not {shown(value)}", at(place))
    if keyword == "format" and value not in FORMATS:
        raise UnsupportedPatternError(f"the format {shown(value)} (only {', '.join(FORMATS)})", at(place))
    if keyword == "multipleOf" and value != int(value):
        raise UnsupportedPatternError(
            f"the multipleOf {shown(value)}, about whose multiples validators disagree,", at(place)
        )
    if keyword in {"enum", "const"}:
        _check_values(keyword, value, place)


def _check_values(keyword: str, value: Any, place: str) -> None:
    """That values can be written as JSON, and are not nested too deeply."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [each for container in level if isinstance(container, dict | list) for each in _within(container)]
    if level:
        raise PatternTooLargeError(f"values within each other in {keyword} {at(place)}", MAX_DEPTH)
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        raise InvalidPatternError(f"{keyword} must be of finite numbers", at(place)) from None


def _within(container: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return container.values() if isinstance(container, dict) else container
