"""The controls of a form, derived from the schema of the body that it fills in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from service.api.schemas.base import Body
from service.api.schemas.bounds import fill_in
from service.settings import Settings

LARGEST: Final = (1 << 53) - 1
"""The largest integer that is exact in a browser."""

Range = tuple[float, float, float]
"""(from, to, step)."""

DRAGGED: Final[dict[str, Range]] = {
    "length": (1, 2000, 1),
    "temperature": (0, 2, 0.05),
    "top_k": (0, 60, 1),
    "top_p": (0.01, 1, 0.01),
    "repetition_penalty": (0.5, 2, 0.01),
}
"""Ranges of sliders that are narrower than the allowed values."""

SHORT: Final = 4
"""Sliders span the whole allowed range only if it is at most this wide."""


@dataclass(frozen=True, slots=True)
class Control:
    """The control of a field: a `number` within its bounds, one of `options`, or a line of text."""

    name: str
    hint: str
    default: Any = None
    options: tuple[str, ...] = ()
    number: bool = False
    low: float | None = None
    high: float | None = None
    whole: bool = False

    @property
    def choices(self) -> list[tuple[str, str]]:
        """The options of a list as (value, label). Without a default, the first one omits the field."""
        automatic = [("", "automatic")] if self.default is None else []
        return [*automatic, *((option, option.replace("_", " ")) for option in self.options)]

    @property
    def label(self) -> str:
        """The field's name for readers."""
        return self.name.replace("_", " ").capitalize()

    @property
    def slider(self) -> Range | None:
        """The range of a number's slider; None if there are no bounds, or an integer has only few values."""
        if self.low is None or self.high is None or (self.whole and self.name not in DRAGGED):
            return None
        if self.name in DRAGGED:
            low, high, step = DRAGGED[self.name]
            return low, min(high, self.high), step
        return (self.low, self.high, 0.01) if self.high - self.low <= SHORT else None


def controls(body: type[Body], settings: Settings) -> dict[str, Control]:
    """A control for each field of the body that a form can show, by name."""
    fields = fill_in(body.model_json_schema()["properties"], settings)
    made = (_control(name, schema) for name, schema in fields.items())
    return {control.name: control for control in made if control is not None}


def _control(name: str, schema: dict[str, Any]) -> Control | None:
    """The control for the schema without null; None for lists and objects, which have no control."""
    kinds = [kind for kind in schema.get("anyOf", [schema]) if kind.get("type") != "null"]
    kind, hint, default = kinds[0], _sentence(schema.get("description", "")), schema.get("default")
    if "enum" in kind:
        return Control(name, hint, default, options=tuple(map(str, kind["enum"])))
    if kind.get("type") in ("number", "integer"):
        return Control(name, hint, default, (), True, *_range(kind), kind["type"] == "integer")
    return Control(name, hint, default) if kind.get("type") == "string" else None


def _range(kind: dict[str, Any]) -> tuple[float | None, float | None]:
    """The minimum and maximum on a page; the service checks exclusive bounds."""
    low = kind.get("minimum", kind.get("exclusiveMinimum"))
    beyond = kind.get("exclusiveMaximum")
    high = beyond - 1 if beyond is not None and kind["type"] == "integer" else kind.get("maximum", beyond)
    return low, None if high is None else min(high, LARGEST)


def _sentence(description: str) -> str:
    return f"{description[:1].upper()}{description[1:]}." if description else ""
