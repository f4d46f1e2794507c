"""Of two schemas that are said to exclude each other, no value fits both."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from charrnn.patterns.json_schema.conjunction import Resolver
from charrnn.patterns.json_schema.exclusive import Excluder
from charrnn.patterns.json_schema.located import Located
from charrnn.patterns.json_schema.values import Checker

A = {"type": "object", "properties": {"kind": {"const": "a"}}, "required": ["kind"]}
B = {"type": "object", "properties": {"kind": {"const": "b"}}, "required": ["kind"]}
FORBIDDEN = {"type": "object", "properties": {"x": {"type": "null"}}, "additionalProperties": False}

PAIRS: list[tuple[Any, Any, bool]] = [
    ({"type": "null"}, {"type": "boolean"}, True),
    ({"type": "integer"}, {"type": "number"}, False),
    ({"type": "integer", "maximum": 3}, {"type": "number", "minimum": 4}, True),
    ({"type": "integer", "maximum": 3}, {"type": "number", "minimum": 3}, False),
    ({"type": "integer", "maximum": 3}, {"type": "number", "exclusiveMinimum": 3}, True),
    ({"type": "string", "maxLength": 2}, {"type": "string", "minLength": 3}, True),
    ({"type": "string", "maxLength": 3}, {"type": "string", "minLength": 3}, False),
    ({"type": "array", "maxItems": 0}, {"type": "array", "minItems": 1}, True),
    ({"enum": [1, "a"]}, {"type": "null"}, True),
    ({"enum": [1, "a"]}, {"type": "string"}, False),
    ({"enum": [1, 2]}, {"enum": [2.0, 3]}, False),
    (A, B, True),
    (A, {"type": "object", "properties": {"kind": {"type": "string"}}}, False),
    (A, FORBIDDEN, True),
    ({"anyOf": [{"type": "null"}, A]}, {"anyOf": [{"type": "boolean"}, B]}, True),
    ({"anyOf": [{"type": "null"}, A]}, {"anyOf": [{"type": "boolean"}, A]}, False),
    (False, True, True),
]

VALUES = [None, True, 0, 2, 3, 3.5, 4, "", "a", "abc", [], [1], {}, {"kind": "a"}, {"kind": "b"}, {"x": None}]


@pytest.mark.parametrize(("first", "second", "exclusive"), PAIRS)
def test_what_excludes_each_other_has_no_value_in_common(first: Any, second: Any, exclusive: bool) -> None:
    resolver = Resolver({"allOf": [first, second]})
    excluder = Excluder(resolver, Checker(resolver))
    one, other = Located(first, "/allOf/0"), Located(second, "/allOf/1")
    assert excluder.exclude((one,), (other,)) == excluder.exclude((other,), (one,)) == exclusive
    common = [json.dumps(v) for v in VALUES if all(Draft202012Validator(s).is_valid(v) for s in (first, second))]
    assert bool(common) != exclusive, common
