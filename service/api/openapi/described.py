"""What a route says of itself, written beside its function; `service.api.openapi.document` makes the document of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeVar

from pydantic import BaseModel

Access = Literal["open", "key", "admin"]
F = TypeVar("F", bound=Callable[..., Any])

ATTRIBUTE: Final = "operation"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter or header of a route."""

    name: str
    description: str
    place: Literal["query", "header"] = "query"
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})


@dataclass(frozen=True, slots=True)
class Operation:
    """One route: `body` is the model of its JSON, `uploads` the content types of a file; `reply` the model or dataclass
    of the answer, or its content type when it is no JSON, `other_replies` the content types that may be had instead;
    `events` the models of a stream's events, where the answer may be had as a stream; `nothing` says when it is 204
    instead. `errors` adds statuses to those that body and access bring. What is not `listed` is for people, and no part
    of the document for programs."""

    summary: str
    access: Access = "key"
    description: str = ""
    body: type[BaseModel] | None = None
    uploads: tuple[str, ...] = ()
    reply: type[Any] | str | None = None
    other_replies: tuple[str, ...] = ()
    status: int = 200
    other_status: int | None = None
    nothing: str = ""
    events: tuple[type[BaseModel], ...] = ()
    errors: tuple[int, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    examples: Mapping[str, Any] = field(default_factory=dict)
    listed: bool = True

    @property
    def error_statuses(self) -> list[int]:
        """Every status that means an error of this route."""
        found = {500, *self.errors}
        if self.body is not None or self.uploads:
            found |= {400, 408, 413, 415, 422}
        if self.access != "open":
            found |= {401, 429, 503}  # 503: keys that cannot be read let nobody in
        if self.access == "admin":
            found |= {403}
        return sorted(found)


def describe(summary: str, **more: Any) -> Callable[[F], F]:
    """Give a route's function its description; the arguments are those of `Operation`."""

    def attach(function: F) -> F:
        setattr(function, ATTRIBUTE, Operation(summary, **more))
        return function

    return attach


def operation_of(function: Callable[..., Any]) -> Operation | None:
    """What a route says of itself, if anything."""
    found = getattr(function, ATTRIBUTE, None)
    return found if isinstance(found, Operation) else None
