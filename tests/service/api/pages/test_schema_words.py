"""A schema is described in words, each field with its nested fields."""

from __future__ import annotations

from typing import Any

import pytest

from service.api.pages.schema_words import FieldRow, Words

TREE: dict[str, Any] = {
    "type": "object",
    "description": "A node.",
    "properties": {
        "name": {"type": "string", "maxLength": 64, "description": "what it\n is called"},
        "next": {"anyOf": [{"$ref": "#/components/schemas/Tree"}, {"type": "null"}]},
        "leaves": {"type": "array", "items": {"$ref": "#/components/schemas/Leaf"}},
    },
    "required": ["name"],
}
LEAF: dict[str, Any] = {"type": "object", "properties": {"size": {"type": "integer", "default": 3}}}
STOPS: dict[str, Any] = {"type": "array", "items": {"type": "string"}, "maxItems": 8}
WORDS = Words({"Tree": TREE, "Leaf": LEAF})


def test_a_row_for_each_field_and_those_within_it_but_not_within_itself() -> None:
    assert WORDS.rows({"$ref": "#/components/schemas/Tree"}) == [
        FieldRow("name", "string, at most 64 characters", "", True, "what it is called"),
        FieldRow("next", "object", "", False, ""),
        FieldRow("leaves", "array of object", "", False, ""),
        FieldRow("leaves[].size", "integer", "3", False, ""),
    ]


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "number", "minimum": 0, "maximum": 10}, "number, 0 to 10"),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 1}, "number, more than 0, at most 1"),
        ({"type": "integer", "minimum": 1, "exclusiveMaximum": 2**63}, "integer, at least 1"),
        ({"enum": ["lstm", "gru"]}, '"lstm" or "gru"'),
        ({"anyOf": [{"type": "string"}, STOPS, {"type": "null"}]}, "string or array of string, at most 8 items"),
        ({}, "anything"),
    ],
)
def test_what_a_value_may_be(schema: dict[str, Any], said: str) -> None:
    assert WORDS.kind(schema) == said
