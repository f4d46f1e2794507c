"""What a route may return besides a plain dict. Return types describe everything that is sent: the OpenAPI document is
generated from them, and mypy checks that routes return them."""

from __future__ import annotations

from dataclasses import asdict, is_dataclass
from typing import Any, Final, Generic, TypeVar, cast

from flask import Response, jsonify

SVG: Final = "image/svg+xml"
PNG: Final = "image/png"
JSON_LINES: Final = "application/x-ndjson"
TEXT: Final = "text/plain"
NO_CACHE: Final = {"Cache-Control": "no-cache"}

T = TypeVar("T")


class JsonResponse(Response, Generic[T]):
    """JSON of a value of type T."""

    default_mimetype = "application/json"


class EventStream(Response, Generic[T]):
    """Server-sent events whose data is JSON of values of type T."""

    default_mimetype = "text/event-stream"


class JsonLines(Response, Generic[T]):
    """Lines, each with JSON of a value of type T."""

    default_mimetype = JSON_LINES


class PlainText(Response):
    """Text without any markup."""

    default_mimetype = TEXT


class Svg(Response):
    """An SVG picture."""

    default_mimetype = SVG


class Png(Response):
    """A PNG picture."""

    default_mimetype = PNG


class NoContent(Response):
    """An empty reply: the request was carried out."""

    default_status = 204


def plain_json(value: T) -> JsonResponse[T]:
    """JSON of a dataclass or a dict, as Flask serializes what a route returns; fields that are None are omitted."""
    fields = asdict(value) if is_dataclass(value) and not isinstance(value, type) else cast(dict[str, Any], value)
    return cast(JsonResponse[T], jsonify({name: each for name, each in fields.items() if each is not None}))
