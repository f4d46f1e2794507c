"""The content of the page `/docs`, generated from the OpenAPI document."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from service.api.pages.schema_words import FieldRow, Words

Document = dict[str, Any]

GROUPS: Final = {
    "Text": ("generate", "complete", "score", "tokenize", "detokenize", "trace"),
    "Records and labels": ("records", "classify", "tag", "transduce", "compare"),
    "OpenAI-compatible": ("v1",),
    "Models": ("models", "gradients", "gradients.svg"),
    "Training": ("corpora", "jobs"),
    "Operating": (),
}
"""The page's chapters, each with the first parts of its routes' paths; the last one has all others."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply of a route: statuses and content types with the same meaning, and the fields of its JSON."""

    status: str
    kinds: tuple[str, ...]
    rows: list[FieldRow]


@dataclass(frozen=True, slots=True)
class Route:
    """One route on the page; `parameters` are (place, row), `examples` (name, JSON)."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    needs_key: bool
    parameters: list[tuple[str, FieldRow]]
    kinds: tuple[str, ...]
    rows: list[FieldRow]
    examples: list[tuple[str, str]]
    replies: list[Reply]
    errors: tuple[str, ...]


def chapters(document: Document) -> dict[str, list[Route]]:
    """All routes of the document, by chapter."""
    words = Words(document["components"]["schemas"])
    found: dict[str, list[Route]] = {title: [] for title in GROUPS}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            found[_chapter(path)].append(_route(words, path, method, operation))
    return found


def statuses(document: Document) -> dict[str, str]:
    """The meaning of each error status."""
    every = [route["responses"] for methods in document["paths"].values() for route in methods.values()]
    found = {status: each["description"] for responses in every for status, each in responses.items() if status > "3"}
    return dict(sorted(found.items()))


def _chapter(path: str) -> str:
    first = path.split("/")[1]
    return next((title for title, parts in GROUPS.items() if first in parts), list(GROUPS)[-1])


def _route(words: Words, path: str, method: str, operation: dict[str, Any]) -> Route:
    content = operation.get("requestBody", {}).get("content", {})
    body = content.get("application/json") or content.get("multipart/form-data") or {}
    responses = operation["responses"]
    return Route(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        description=operation.get("description", ""),
        needs_key=bool(operation["security"]),
        parameters=[(each["in"], _parameter(words, each)) for each in operation.get("parameters", [])],
        kinds=tuple(content),
        rows=words.rows(body.get("schema", {})),
        examples=[(name, _json(each["value"])) for name, each in body.get("examples", {}).items()],
        replies=[_reply(words, status, each) for status, each in responses.items() if status < "3"],
        errors=tuple(status for status in responses if status > "3"),
    )


def _parameter(words: Words, parameter: dict[str, Any]) -> FieldRow:
    schema = parameter["schema"]
    default = str(schema.get("default", "")).lower()
    return FieldRow(
        parameter["name"], words.kind(schema), default, parameter["required"], parameter.get("description", "")
    )


def _reply(words: Words, status: str, response: dict[str, Any]) -> Reply:
    content = response.get("content", {})
    return Reply(status, tuple(content), words.rows(content.get("application/json", {}).get("schema", {})))


def _json(value: Any) -> str:
    """Formatted JSON; short values in one line."""
    return json.dumps(value, ensure_ascii=False, indent=2 if len(json.dumps(value)) > 80 else None)
