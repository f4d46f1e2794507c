"""JSON schemas as a reader wants them: a row for each field, those within fields included, in words."""

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
"""The words of a schema for the least and the most, and what is counted."""
BEYOND: Final = {"exclusiveMinimum": "more than", "exclusiveMaximum": "less than"}
MANY: Final = 1 << 31
"""A bound from here on says only what fits into a number, and is left out."""


@dataclass(frozen=True, slots=True)
class Row:
    """A field: its path, such as `choices[].text`, what it may be, its default as JSON, what it means."""

    name: str
    kind: str
    default: str
    required: bool
    meaning: str


class Words:
    """The schemas of a document in words; `schemas` are those that it refers to by name."""

    def __init__(self, schemas: dict[str, Schema]) -> None:
        self._schemas = schemas

    def rows(self, schema: Schema) -> list[Row]:
        """A row for each field of an object, and below it for each of those within it."""
        return list(self._rows(schema, "", ()))

    def _rows(self, schema: Schema, before: str, within: tuple[str, ...]) -> Iterator[Row]:
        name, schema = self._resolved(schema)
        if name in within:
            return
        required = schema.get("required", [])
        for field, each in schema.get("properties", {}).items():
            yield self._row(before + field, each, field in required)
            for inner, suffix in self._objects(each):
                yield from self._rows(inner, f"{before}{field}{suffix}", (*within, name))

    def _row(self, path: str, schema: Schema, required: bool) -> Row:
        meaning = schema.get("description") or self._resolved(schema)[1].get("description", "")
        default = json.dumps(schema["default"], ensure_ascii=False) if schema.get("default") is not None else ""
        return Row(path, self.kind(schema), default, required, _inline(meaning))

    def _objects(self, schema: Schema) -> Iterator[tuple[Schema, str]]:
        """The objects that a field holds, with what goes between its name and theirs."""
        for each in schema.get("anyOf", [schema]):
            found = self._resolved(each)[1]
            if "properties" in found:
                yield each, "."
            elif "items" in found:
                yield from ((inner, f"[]{suffix}") for inner, suffix in self._objects(found["items"]))

    def kind(self, schema: Schema) -> str:
        """What a value may be."""
        schema = self._resolved(schema)[1]
        if "anyOf" in schema:
            kinds = (self.kind(each) for each in schema["anyOf"])
            return " or ".join(dict.fromkeys(kind for kind in kinds if kind != "null"))
        if "enum" in schema or "const" in schema:
            return " or ".join(map(json.dumps, schema.get("enum", [schema.get("const")])))
        items = f" of {self.kind(schema['items'])}" if "items" in schema else ""
        return ", ".join([schema.get("type", "anything") + items, *_bounds(schema)])

    def _resolved(self, schema: Schema) -> tuple[str, Schema]:
        """The schema that is meant, and the name by which it was referred to, if it was."""
        if "$ref" not in schema:
            return "", schema
        name = schema["$ref"].rpartition("/")[2]
        return name, self._schemas[name]


def _bounds(schema: Schema) -> Iterator[str]:
    for name, words in BEYOND.items():
        if (bound := _told(schema, name)) is not None:
            yield f"{words} {bound:,}"
    for least, most, unit in SIZES:
        low, high = _told(schema, least), _told(schema, most)
        if low is not None and high is not None:
            yield f"{low:,} to {high:,}{unit}"
        elif low is not None:
            yield f"at least {low:,}{unit}"
        elif high is not None:
            yield f"at most {high:,}{unit}"


def _told(schema: Schema, name: str) -> float | None:
    bound: float | None = schema.get(name)
    return None if bound is None or abs(bound) >= MANY else bound


def _inline(text: str) -> str:
    return " ".join(text.split())
