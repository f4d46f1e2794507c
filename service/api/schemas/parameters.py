"""Fields of a request's body, derived from the parameters that the library's dataclasses declare."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Annotated, Any, Final, TypeVar

from pydantic import Field, create_model

from charrnn.parameters import Declared, choices, parameters
from service.api.schemas.base import Body

B = TypeVar("B", bound=Body)
Limits = Mapping[str, Mapping[str, Any]]
NONE: Final[Limits] = MappingProxyType({})


def takes(owner: type, limits: Limits = NONE, *, automatic: bool = False) -> Callable[[type[B]], type[B]]:
    """A decorator that adds a field to a body for each parameter of `owner` with a default.

    A field that the body declares itself, because its JSON form differs, gets the parameter's meaning. `limits` are the
    service's bounds instead of the library's, by parameter. With `automatic`, omitted fields are null instead of the
    default, and the service chooses.
    """

    def derive(body: type[B]) -> type[B]:
        for name, declared in parameters(owner).items():
            if own := body.model_fields.get(name):
                own.description = own.description or declared.parameter.description
        fields: dict[str, Any] = {
            name: _field(declared, limits.get(name, {}), automatic=automatic)
            for name, declared in choices(owner).items()
            if name not in body.model_fields
        }
        return create_model(body.__name__, __base__=body, __module__=body.__module__, __doc__=body.__doc__, **fields)

    return derive


def with_field(name: str, kind: Any, field: Any) -> Callable[[type[B]], type[B]]:
    """A decorator that adds one field to a body, whose name may be one of Python's own words."""

    def derive(body: type[B]) -> type[B]:
        fields: dict[str, Any] = {name: (kind, field)}
        return create_model(body.__name__, __base__=body, __module__=body.__module__, __doc__=body.__doc__, **fields)

    return derive


def _field(declared: Declared, limits: Mapping[str, Any], *, automatic: bool) -> tuple[Any, Any]:
    bounds: dict[str, Any] = replace(declared.parameter, **limits).limits
    kind = Annotated[declared.type, Field(**bounds)] if bounds else declared.type
    default = None if automatic else declared.default
    description = declared.parameter.description
    return kind | None if automatic or declared.optional else kind, Field(default, description=description)
