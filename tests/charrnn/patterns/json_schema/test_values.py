"""A listed value fits where a validator says so."""

from __future__ import annotations

import json
from itertools import combinations
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from charrnn.patterns.errors import PatternTooLargeError
from charrnn.patterns.json_schema.conjunction import Resolver
from charrnn.patterns.json_schema.located import Located
from charrnn.patterns.json_schema.values import MAX_STEPS, Checker, same, type_of

VALUES: list[Any] = [
    *(None, True, False, 0, 1, 1.0, -1, 3, 2.5, 1e3, "", "a", "abc", "2024-02-29", "2023-02-29", "é"),
    *([], [1], [1, 1], [1, "a"], ["a", 1, None], {}, {"a": 1}, {"a": "x", "b": None}, {"c": []}),
]

SCHEMAS: list[Any] = [
    *(True, False, {"type": "integer"}, {"type": ["number", "null"]}, {"type": "boolean"}, {"enum": [1, "a", None]}),
    *({"const": True}, {"const": 1}, {"minimum": 1}, {"exclusiveMaximum": 1}, {"multipleOf": 3}, {"minLength": 2}),
    *({"maxLength": 1}, {"pattern": "^a"}, {"type": "string", "format": "date"}, {"maxItems": 1}, {"minItems": 2}),
    *({"uniqueItems": True}, {"prefixItems": [{"type": "integer"}], "items": {"type": "string"}}),
    *({"required": ["a"]}, {"maxProperties": 1}, {"properties": {"a": {"type": "integer"}}}),
    {"properties": {"a": True}, "additionalProperties": False},
    {"anyOf": [{"type": "null"}, {"minimum": 1, "type": "number"}]},
    {"oneOf": [{"type": "integer"}, {"type": "number", "minimum": 1}]},
    {"allOf": [{"type": "string"}, {"minLength": 1}]},
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=json.dumps)
def test_a_validator_agrees(schema: Any) -> None:
    validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    checker = Checker(Resolver(schema))
    fitting = [json.dumps(value) for value in VALUES if checker.fits(value, (Located(schema),))]
    assert fitting == [json.dumps(value) for value in VALUES if validator.is_valid(value)]


def test_what_json_counts_as_equal_is_the_same() -> None:
    for one, other in combinations(VALUES, 2):
        numbers = (isinstance(one, float) and not isinstance(other, bool) and one == other) or (one, other) == (1, 1.0)
        assert (same(one) == same(other)) == (numbers and not isinstance(one, bool)), (one, other)
    assert same({"a": 1.0, "b": [2]}) == same({"b": [2.0], "a": 1})
    assert [*map(type_of, (1, 1.0, 1.5, True))] == ["integer", "integer", type_of(0.5), "boolean"]


def test_the_work_is_counted() -> None:
    schema = {"pattern": "^a*$"}
    checker = Checker(Resolver(schema))
    with pytest.raises(PatternTooLargeError, match="listed values"):
        for _ in range(3):
            checker.fits("a" * MAX_STEPS, (Located(schema),))
