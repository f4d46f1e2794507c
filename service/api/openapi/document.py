"""The OpenAPI 3.1 document, generated from the description, the body and the return type of each route."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, Literal

from flask import Flask
from pydantic import TypeAdapter
from werkzeug.routing import Rule

from model_store.names import NAME_PATTERN, REFERENCE_PATTERN
from service.api.http.responses import EventStream, JsonLines
from service.api.http.sse import DONE
from service.api.openapi.operations import Answer, Operation, RequestParameter, describe, operation_of
from service.api.schemas.bounds import fill_in
from service.api.schemas.meanings import explained
from service.api.schemas.replies.common import ErrorReply
from service.settings import Settings

TITLE: Final = "Character-level recurrent language models"
SECURITY: Final = "key"
STATUSES: Final = {
    400: "the body is not valid JSON, or incomplete",
    401: "the key is missing or invalid",
    403: "an admin key is required",
    404: "not found",
    408: "the body arrived too slowly",
    409: "conflict with the current state",
    413: "the body is too large",
    415: "unsupported content type",
    422: "a value is out of bounds, or a field does not exist",
    429: "too busy, or over the rate limit; see Retry-After",
    500: "internal error",
    503: "something that the service depends on is unavailable; see Retry-After",
}
FILE: Final = {"type": "string", "contentMediaType": "application/octet-stream"}

PATTERNS: Final = {
    "name": f"^{NAME_PATTERN}$",
    "alias": f"^(?![0-9]+$){NAME_PATTERN}$",
    "reference": f"^{REFERENCE_PATTERN}$",
}

MEANINGS: Final = {
    "name": "the model's name",
    "version": "the version's number",
    "reference": "`name`, `name@3` or `name@alias`",
    "alias": "the alias, such as `current`",
    "slug": "a `slug` from the version's `cells`",
    "corpus_id": "the `id` of the corpus",
    "job_id": "the `id` of the job",
}
"""The descriptions of path parameters."""

_PLACEHOLDER: Final = re.compile(r"<(?:(\w+):)?(\w+)>")

Models = list[tuple[Any, Literal["validation", "serialization"]]]


def document(app: Flask, settings: Settings) -> dict[str, Any]:
    """The document of all listed routes of the application, with the values of settings as bounds."""
    found = list(_described(app))
    models: Models = [(ErrorReply, "serialization")]
    for _, _, operation in found:
        models += [(operation.about.body, "validation")] if operation.about.body else []
        answer = operation.answer
        models += [(each, "serialization") for each in (*answer.json, *answer.events, *answer.lines)]
    adapters = [(model.__name__, mode, TypeAdapter[Any](model)) for model, mode in dict.fromkeys(models)]
    _, schemas = TypeAdapter.json_schemas(adapters, ref_template="#/components/schemas/{model}")
    paths: dict[str, dict[str, Any]] = {}
    for rule, method, operation in found:
        paths.setdefault(_path(rule), {})[method] = _operation(rule, operation, settings)
    return {
        "openapi": "3.1.0",
        "info": {"title": TITLE, "version": "1", "license": {"name": "MIT", "identifier": "MIT"}},
        "servers": [{"url": "/", "description": "the service that this document comes from"}],
        "paths": paths,
        "components": {
            "schemas": explained(fill_in(schemas["$defs"], settings)),
            "securitySchemes": {SECURITY: {"type": "http", "scheme": "bearer"}},
        },
    }


def _described(app: Flask) -> Iterator[tuple[Rule, str, Operation]]:
    for rule in app.url_map.iter_rules():
        operation = operation_of(app.view_functions[rule.endpoint])
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            if operation is not None and operation.about.listed:
                yield rule, method.lower(), operation


def _path(rule: Rule) -> str:
    return _PLACEHOLDER.sub(r"{\2}", rule.rule)


def _operation(rule: Rule, operation: Operation, settings: Settings) -> dict[str, Any]:
    about = operation.about
    group, _, name = rule.endpoint.rpartition(".")
    made: dict[str, Any] = {
        "summary": about.summary,
        "operationId": name,
        "tags": [group.removesuffix("_admin")],
    }
    if about.description:
        made["description"] = about.description
    parameters = [_placed(*match) for match in _PLACEHOLDER.findall(rule.rule)]
    parameters += [_parameter(each) for each in about.parameters]
    if parameters:
        made["parameters"] = parameters
    if about.body is not None or about.uploads:
        made["requestBody"] = {"required": True, "content": _request_content(about)}
    made["responses"] = _responses(operation)
    made["security"] = [{SECURITY: []}] if _needs_key(about, settings) else []
    return made


def _needs_key(about: describe, settings: Settings) -> bool:
    return about.access == "admin" or (about.access == "key" and bool(settings.api_keys))


def _placed(converter: str, name: str) -> dict[str, Any]:
    """A parameter in the path."""
    schema: dict[str, Any] = {"type": "string", "minLength": 1}
    if converter == "int":
        schema = {"type": "integer", "minimum": 1}
    elif name in PATTERNS:
        schema = {"type": "string", "pattern": PATTERNS[name]}
    about = {"description": MEANINGS[name]} if name in MEANINGS else {}
    return {"name": name, "in": "path", **about, "required": True, "schema": schema}


def _parameter(parameter: RequestParameter) -> dict[str, Any]:
    described = {"name": parameter.name, "in": parameter.place, "description": parameter.description}
    return {**described, "required": False, "schema": dict(parameter.schema)}


def _request_content(about: describe) -> dict[str, Any]:
    if about.body is not None:
        content: dict[str, Any] = {"schema": _reference(about.body)}
        if about.examples:
            content["examples"] = {name: {"value": value} for name, value in about.examples.items()}
        return {"application/json": content}
    fields = {each.name: {"description": each.description, **each.schema} for each in about.parameters}
    form = {"type": "object", "properties": {"file": FILE, **fields}, "required": ["file"]}
    return {kind: {"schema": form if kind.startswith("multipart/") else FILE} for kind in about.uploads}


def _responses(operation: Operation) -> dict[str, Any]:
    about, answer = operation.about, operation.answer
    content = _reply_content(answer)
    good = {"description": about.summary} | ({"content": content} if content else {})
    errors = {"application/json": {"schema": _reference(ErrorReply)}}
    nothing = {"204": {"description": about.nothing}} if about.nothing else {}
    return (
        {str(status): good for status in answer.statuses}
        | nothing
        | {str(status): {"description": STATUSES[status], "content": errors} for status in operation.error_statuses}
    )


def _reply_content(answer: Answer) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if answer.json:
        first, *others = map(_reference, answer.json)
        content["application/json"] = {"schema": {"anyOf": [first, *others]} if others else first}
    if answer.events:
        content[EventStream.default_mimetype] = {"schema": _event(answer.events)}
    if answer.lines:
        content[JsonLines.default_mimetype] = {"schema": _value(answer.lines)}
    return content | {kind: {"schema": FILE if answer.json else _opaque(kind)} for kind in answer.others}


def _opaque(kind: str) -> dict[str, Any]:
    return {"type": "object" if kind == "application/json" else "string"}


def _event(models: tuple[Any, ...]) -> dict[str, Any]:
    """The schema of one event of a stream: its `data` is the JSON text of one of the models (JSON Schema 2020-12,
    section 8.5), or `[DONE]`."""
    text = {"contentMediaType": "application/json", "contentSchema": _value(models)}
    data = {"type": "string", "anyOf": [{"const": DONE}, text]}
    properties = {"data": data, "event": {"type": "string"}, "id": {"type": "string"}}
    return {"type": "object", "properties": properties, "required": ["data"]}


def _value(models: tuple[Any, ...]) -> dict[str, Any]:
    """The schema of one event's data or of one line: one of the models, or an error."""
    return {"anyOf": [*map(_reference, models), _reference(ErrorReply)]}


def _reference(model: Any) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}
