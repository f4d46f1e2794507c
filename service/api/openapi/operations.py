"""The description of a route, a decorator of its function, and what the function's return type says of the reply; the
OpenAPI document is generated from both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import UnionType
from typing import Any, Final, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from flask import Response
from pydantic import BaseModel

from service.api.http.responses import EventStream, JsonLines, JsonResponse, NoContent

Access = Literal["open", "key", "admin"]
F = TypeVar("F", bound=Callable[..., Any])

ATTRIBUTE: Final = "operation"


@dataclass(frozen=True, slots=True)
class RequestParameter:
    """A query parameter or header of a route."""

    name: str
    description: str
    place: Literal["query", "header"] = "query"
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})


def last_event(pattern: str) -> RequestParameter:
    """The header with which a stream is asked for what follows an event."""
    schema = {"type": "string", "pattern": f"^({pattern})?$"}
    meaning = "id of the last event received; the stream goes on after it. Empty: none was received"
    return RequestParameter("Last-Event-ID", meaning, "header", schema)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a route's return type says: the alternative types of its JSON, those of its events' data and of its lines,
    other content types, and the statuses, the usual one first."""

    json: tuple[Any, ...] = ()
    events: tuple[Any, ...] = ()
    lines: tuple[Any, ...] = ()
    others: tuple[str, ...] = ()
    statuses: tuple[int, ...] = (200,)


@dataclass(frozen=True, slots=True)
class describe:
    """Describes a route: `body` is the model of its JSON, `uploads` the content types of a file; `content_type` that of
    the answer where the function's return type does not say it; `nothing` says when it is 204 instead. `errors` adds
    statuses to those that body and access bring. What is not `listed` is for people, and no part of the document for
    programs."""

    summary: str
    access: Access = "key"
    description: str = ""
    body: type[BaseModel] | None = None
    uploads: tuple[str, ...] = ()
    content_type: str = ""
    nothing: str = ""
    errors: tuple[int, ...] = ()
    parameters: tuple[RequestParameter, ...] = ()
    examples: Mapping[str, Any] = field(default_factory=dict)
    listed: bool = True

    def __call__(self, function: F) -> F:
        """Attach the description to the function, and return it."""
        answer = Answer(others=(self.content_type,)) if self.content_type else _answer(function)
        setattr(function, ATTRIBUTE, Operation(self, answer))
        return function


@dataclass(frozen=True, slots=True)
class Operation:
    """A route in the document: its description, and what its function returns."""

    about: describe
    answer: Answer

    @property
    def error_statuses(self) -> list[int]:
        """All error statuses of this route."""
        about = self.about
        found = {500, *about.errors}
        if about.body is not None or about.uploads:
            found |= {400, 408, 413, 415, 422}
        if about.access != "open":
            found |= {401, 429, 503}  # 503: the keys cannot be read
        if about.access == "admin":
            found |= {403}
        return sorted(found)


def operation_of(function: Callable[..., Any]) -> Operation | None:
    """The operation of a described function, if it is one."""
    found = getattr(function, ATTRIBUTE, None)
    return found if isinstance(found, Operation) else None


def _answer(function: Callable[..., Any]) -> Answer:
    """What the function's return type says; a dict stands for JSON, possibly in a tuple with a status."""
    returned, statuses = get_type_hints(function, include_extras=True)["return"], (200,)
    if get_origin(returned) is tuple:
        returned, status = get_args(returned)
        statuses = get_args(status)
    answer = Answer(statuses=(204,) if returned is NoContent else statuses)
    for kind in _alternatives(returned):
        if get_origin(kind) is EventStream:
            answer = replace(answer, events=tuple(_alternatives(*get_args(kind))))
        elif get_origin(kind) is JsonLines:
            answer = replace(answer, lines=tuple(_alternatives(*get_args(kind))))
        elif get_origin(kind) is JsonResponse:
            answer = replace(answer, json=tuple(_alternatives(*get_args(kind))))
        elif not (isinstance(kind, type) and issubclass(kind, Response)):
            answer = replace(answer, json=(kind,))
        elif not issubclass(kind, NoContent):
            answer = replace(answer, others=(*answer.others, str(kind.default_mimetype)))
    return answer


def _alternatives(kind: Any) -> Iterator[Any]:
    """The members of a union; of anything else that itself."""
    yield from get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
