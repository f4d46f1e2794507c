"""Turns pydantic's errors about a request's body into an error of the API: a sentence for each field."""

from __future__ import annotations

from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from service.api.http.errors import ApiError, shown
from service.api.schemas.faults import PREDICATE, SENTENCE, SEVERAL, TAG, TEXTS

MOST_SENTENCES: Final = 5
_COUNTED: Final = frozenset({"too_long", "too_short", "string_too_long"})


def invalid(error: ValidationError) -> ApiError:
    """400 for a body that is not JSON, else 422 naming each field with its bound and value."""
    details = error.errors(include_url=False)
    if details[0]["type"] == "json_invalid":
        return ApiError(400, "invalid_json", f"the body is not JSON: {details[0]['msg']}")
    if not details[0]["loc"] and details[0]["type"] in {"model_type", "model_attributes_type", "dict_type"}:
        return ApiError(422, "invalid_value", "the body must be a JSON object")
    first_of = {_field(detail): detail for detail in reversed(details)}  # one sentence a field
    messages = [_sentence(detail) for detail in list(reversed(first_of.values()))[:MOST_SENTENCES]]
    code = "unknown_field" if details[0]["type"] == "extra_forbidden" else "invalid_value"
    return ApiError(422, code, "; ".join(messages), _param(details[0]))


def _param(detail: ErrorDetails) -> str | None:
    """The field at fault, with its index if it is one of several texts."""
    location = detail["loc"]
    if location[:1] == (TEXTS,) and len(location) > 1:
        return f"{TEXTS}[{location[1]}]"
    one_of_several = location[1:2] == (SEVERAL,) and len(location) > 2
    return f"{location[0]}[{location[2]}]" if one_of_several else _field(detail)


def _field(detail: ErrorDetails) -> str | None:
    """The field at fault; None if several are."""
    return str(detail["loc"][0]) if detail["loc"] else detail.get("ctx", {}).get("field")


def _path(location: tuple[int | str, ...]) -> str:
    """The path of the value, such as `cells[0].unit`, without tags of alternatives."""
    path = ""
    for part in location:
        if not path:
            path = str(part)
        elif isinstance(part, int) or not part.isidentifier():
            path += "" if str(part).startswith(TAG) else f"[{part!r}]"
        else:
            path += f".{part}"
    return path


def _sentence(detail: ErrorDetails) -> str:
    kind, path, message = detail["type"], _path(detail["loc"]), str(detail["msg"])
    if kind == SENTENCE:
        return message
    if kind == PREDICATE:
        return f"{path} {message}"
    if kind == "extra_forbidden":
        return f"{shown(path)} is not a field of this request"
    if kind == "missing":
        return f"{path} is required"
    bound = message[0].lower() + message[1:].partition(" after validation")[0]
    value = detail["input"]
    return f"{path}: {bound}, not {len(value) if kind in _COUNTED else shown(value)}"
