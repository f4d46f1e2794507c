"""The controls of a form, made of the schema of the body that it fills in, so that no page says otherwise."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from service.api.schemas.base import Body

LARGEST: int = (1 << 53) - 1
"""The largest whole number that a browser can count with."""


@dataclass(frozen=True, slots=True)
class Control:
    """A field as a page asks for it: a `number` within its bounds, one of `options`, or a line of text."""

    name: str
    hint: str
    options: tuple[str, ...] = ()
    number: bool = False
    low: float | None = None
    high: float | None = None
    whole: bool = False

    @property
    def choices(self) -> list[tuple[str, str]]:
        """The options as a list has them: what is sent, what is shown; the first leaves the field out."""
        return [("", "automatic"), *((option, option) for option in self.options)]

    @property
    def label(self) -> str:
        """The field's name as people read it."""
        return self.name.replace("_", " ").capitalize()


def controls(body: type[Body], leave_out: Collection[str] = ()) -> list[Control]:
    """A control for each field of the body that a form can ask for, in their order."""
    fields = body.model_json_schema()["properties"]
    made = [_control(name, schema) for name, schema in fields.items() if name not in leave_out]
    return [control for control in made if control is not None]


def bounds(body: type[Body]) -> dict[str, Control]:
    """The same by their names."""
    return {control.name: control for control in controls(body)}


def _control(name: str, schema: dict[str, Any]) -> Control | None:
    """The control for what the schema takes beside null; None for lists and objects, which no control can say."""
    kinds = [kind for kind in schema.get("anyOf", [schema]) if kind.get("type") != "null"]
    kind, hint = kinds[0], _sentence(schema.get("description", ""))
    if "enum" in kind:
        return Control(name, hint, options=tuple(map(str, kind["enum"])))
    if kind.get("type") in ("number", "integer"):
        whole = kind["type"] == "integer"
        high = kind.get("maximum", kind.get("exclusiveMaximum"))
        return Control(name, hint, (), True, kind.get("minimum"), min(high, LARGEST) if high else None, whole)
    return Control(name, hint) if kind.get("type") == "string" else None


def _sentence(description: str) -> str:
    return f"{description[:1].upper()}{description[1:]}." if description else ""
