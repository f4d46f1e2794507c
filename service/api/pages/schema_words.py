"""Describes JSON schemas in words: a row for each field, including nested ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

Schema = dict[str, Any]

SIZES: Final = (
    ("minimum", "maximum", ""),
    ("minLength", "maxLength", " characters"),
    ("minItems", "maxItems", " items"),
)
"""The keywords of a schema for minimum and maximum, and what they count."""
BEYOND: Final = {"exclusiveMinimum": "more than", "exclusiveMaximum": "less than"}
MANY: Final = 1 << 31
"""Bounds from here on only reflect the size of integers, and are omitted."""


@dataclass(frozen=True, slots=True)
class FieldRow:
    """A field: its path, such as `choices[].text`, its type, its default as JSON, its meaning."""

    name: str
    kind: str
    default: str
    required: bool
    meaning: str


class Words:
    """Describes the schemas of a document; `schemas` are those that it refers to by name."""

    def __init__(self, schemas: dict[str, Schema]) -> None:
        self._schemas = schemas

    def rows(self, schema: Schema) -> list[FieldRow]:
        """A row for each field of an object, each followed by rows for its nested fields; of alternative objects, their
        fields together."""
        found = (row for each in schema.get("anyOf", [schema]) for row in self._rows(each, "", ()))
        return list({row.name: row for row in found}.values())

    def _rows(self, schema: Schema, before: str, within: tuple[str, ...]) -> Iterator[FieldRow]:
        name, schema = self._resolved(schema)
        if name in within:
            return
        required = schema.get("required", [])
        for field, each in schema.get("properties", {}).items():
            yield self._row(before + field, each, field in required)
            for inner, suffix in self._objects(each):
                yield from self._rows(inner, f"{before}{field}{suffix}", (*within, name))

    def _row(self, path: str, schema: Schema, required: bool) -> FieldRow:
        meaning = schema.get("description") or self._resolved(schema)[1].get("description", "")
        default = json.dumps(schema["default"], ensure_ascii=False) if schema.get("default") is not None else ""
        return FieldRow(path, self.kind(schema), default, required, _inline(meaning))

    def _objects(self, schema: Schema) -> Iterator[tuple[Schema, str]]:
        """The objects in a field, with the separator between its name and theirs."""
        for each in schema.get("anyOf", [schema]):
            found = self._resolved(each)[1]
            if "properties" in found:
                yield each, "."
            elif "items" in found:
                yield from ((inner, f"[]{suffix}") for inner, suffix in self._objects(found["items"]))

    def kind(self, schema: Schema) -> str:
        """The type and bounds of a value."""
        schema = self._resolved(schema)[1]
        if "anyOf" in schema:
            kinds = (self.kind(each) for each in schema["anyOf"])
            return " or ".join(dict.fromkeys(kind for kind in kinds if kind != "null"))
        if "enum" in schema or "const" in schema:
            return " or ".join(map(json.dumps, schema.get("enum", [schema.get("const")])))
        items = f" of {self.kind(schema['items'])}" if "items" in schema else ""
        return ", ".join([schema.get("type", "anything") + items, *_bounds(schema)])

    def _resolved(self, schema: Schema) -> tuple[str, Schema]:
        """The schema after resolving a reference, and the name in the reference, if any."""
        if "$ref" not in schema:
            return "", schema
        name = schema["$ref"].rpartition("/")[2]
        return name, self._schemas[name]


def _bounds(schema: Schema) -> Iterator[str]:
    for name, words in BEYOND.items():
        if (bound := _bound(schema, name)) is not None:
            yield f"{words} {bound:,}"
    for least, most, unit in SIZES:
        low, high = _bound(schema, least), _bound(schema, most)
        if low is not None and high is not None:
            yield f"{low:,} to {high:,}{unit}"
        elif low is not None:
            yield f"at least {low:,}{unit}"
        elif high is not None:
            yield f"at most {high:,}{unit}"


def _bound(schema: Schema, name: str) -> float | None:
    bound: float | None = schema.get(name)
    return None if bound is None or abs(bound) >= MANY else bound


def _inline(text: str) -> str:
    return " ".join(text.split())
