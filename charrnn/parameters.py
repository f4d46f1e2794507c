"""Parameters declared once: type, default, bounds, unit and meaning; checks, request bodies, command-line options and
forms are derived from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

KINDS: Final[Mapping[Any, tuple[type, ...]]] = {int: (int,), float: (int, float)}
"""The types accepted for a number; bool is not among them."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """Metadata for `Annotated`. `meaning` is a short phrase; the bounds are named as in pydantic, and `lt` is for whole
    numbers alone."""

    meaning: str
    unit: str = ""
    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: int | None = None

    @property
    def description(self) -> str:
        """The meaning with the unit: "length of a segment (tokens)"."""
        return f"{self.meaning} ({self.unit})" if self.unit else self.meaning

    @property
    def limits(self) -> dict[str, float]:
        """The bounds that are set, by name."""
        found = {name: getattr(self, name) for name in ("ge", "gt", "le", "lt")}
        return {name: bound for name, bound in found.items() if bound is not None}

    def holds(self, value: float) -> bool:
        """Whether the value is within the bounds."""
        return (
            (self.ge is None or value >= self.ge)
            and (self.gt is None or value > self.gt)
            and (self.le is None or value <= self.le)
            and (self.lt is None or value < self.lt)
        )

    @property
    def bounds(self) -> str:
        """The bounds in words: "from 0 to 1", "more than 0 and at most 1", "at least 0"."""
        high = self.le if self.lt is None else self.lt - 1
        if self.ge is not None and high is not None:
            return f"from {self.ge} to {high}"
        low = f"at least {self.ge}" if self.ge is not None else f"more than {self.gt}" if self.gt is not None else ""
        return " and ".join(filter(None, (low, "" if high is None else f"at most {high}")))


@dataclass(frozen=True, slots=True)
class Declared:
    """A parameter as a dataclass declares it; `type` is the annotation without None, `default` MISSING where there is
    none."""

    name: str
    type: Any
    optional: bool
    default: Any
    parameter: Parameter

    @property
    def options(self) -> tuple[str, ...]:
        """The values of a Literal; none for any other type."""
        return get_args(self.type) if get_origin(self.type) is Literal else ()

    def check(self, value: Any, prefix: str = "") -> None:
        """Raises ValueError, naming the parameter, the bounds and the value, for one of another type or out of
        bounds."""
        if not ((value is None and self.optional) or self._takes(value)):
            raise ValueError(f"{prefix}{self.name} must be {self._wanted}, not {value!r}")

    def _takes(self, value: Any) -> bool:
        if self.options:
            return value in self.options
        return self.type not in KINDS or (type(value) in KINDS[self.type] and self.parameter.holds(value))

    @property
    def _wanted(self) -> str:
        if self.options:
            return f"one of {', '.join(self.options)}"
        bounds = self.parameter.bounds
        kind = "an integer" if self.type is int else "a number"
        return f"{kind} {bounds}" if bounds.startswith("from") else bounds or kind


def parameters(owner: type) -> Mapping[str, Declared]:
    """The parameters of a dataclass by their names: its fields that are annotated with a Parameter."""
    return _parameters(owner)


@cache
def _parameters(owner: type) -> Mapping[str, Declared]:
    hints = get_type_hints(owner, include_extras=True)
    defaults = {
        each.name: each.default if each.default_factory is MISSING else each.default_factory() for each in fields(owner)
    }
    return {
        name: _declared(name, hints[name], default) for name, default in defaults.items() if _is_parameter(hints[name])
    }


def choices(owner: type) -> Mapping[str, Declared]:
    """The parameters that have a default."""
    return {name: each for name, each in parameters(owner).items() if each.default is not MISSING}


def defaults(owner: type) -> dict[str, Any]:
    """The default of each parameter that has one."""
    return {name: each.default for name, each in choices(owner).items()}


def check(options: object, prefix: str = "") -> None:
    """Raises ValueError for the first parameter of a dataclass that is out of bounds."""
    for name, declared in parameters(type(options)).items():
        declared.check(getattr(options, name), prefix)


def _is_parameter(hint: Any) -> bool:
    return get_origin(hint) is Annotated and any(isinstance(each, Parameter) for each in hint.__metadata__)


def _declared(name: str, hint: Any, default: Any) -> Declared:
    (parameter,) = (each for each in hint.__metadata__ if isinstance(each, Parameter))
    kinds = get_args(hint.__origin__) if get_origin(hint.__origin__) in (Union, UnionType) else (hint.__origin__,)
    kept = tuple(kind for kind in kinds if kind is not NoneType)
    return Declared(name, Union[kept], NoneType in kinds, default, parameter)  # noqa: UP007
