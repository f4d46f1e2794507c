"""What the JSON bodies of requests have in common: the base class and shared types of values."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from charrnn.config import Part
from model_store.names import NAME_PATTERN, REFERENCE_PATTERN
from service.generation.units.selection import UnitSelection
from service.settings import Settings


def whole(value: Any) -> Any:
    """The value, with an integer sent as 5.0 converted to 5, as in JSON Schema."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Name = Annotated[str, Field(json_schema_extra={"pattern": f"^{NAME_PATTERN}$"})]
Reference = Annotated[str, Field(json_schema_extra={"pattern": f"^{REFERENCE_PATTERN}$"})]
"""The patterns are only for the document: the store checks names, with better messages."""

Id = Annotated[int, Field(ge=0, lt=1 << 31), BeforeValidator(whole)]
Unknown = Annotated[
    Literal["error", "skip"],
    Field(description="how to treat characters outside the vocabulary: `error` (422), or `skip` to drop them"),
]


class Body(BaseModel):
    """A JSON object whose types are taken as they stand; unknown fields are refused, null stands for the default."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    null_is_given: ClassVar[frozenset[str]] = frozenset()
    """The fields of which null is not the same as nothing."""

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {k: whole(v) for k, v in data.items() if v is not None or k in cls.null_is_given}

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        made = handler(schema)
        fields = handler.resolve_ref_schema(made).get("properties", {})
        for name, field in fields.items():
            if not cls.model_fields[name].is_required():
                fields[name] = or_null(field)
        return made


class ModelBody(Body):
    """A request to a model."""

    model: Reference | None = Field(
        None, description="name, name@3 (that version) or name@alias; by default the model that DEFAULT_MODEL names"
    )

    def reference(self, settings: Settings) -> str:
        """The reference of the requested model."""
        return settings.default_model if self.model is None else self.model


class CellBody(Body):
    """A cell, or without `unit` all units of a layer."""

    layer: int = Field(ge=0, lt=1 << 31)
    unit: int | None = Field(None, ge=0, lt=1 << 31)
    part: Part = "hidden"

    def selection(self) -> UnitSelection:
        """The cell as the network is asked for it."""
        return UnitSelection(self.layer, self.unit, self.part)


class CellsBody(Body):
    """Cells whose states to return."""

    cells: list[CellBody] = Field(default_factory=list, max_length=64, description="the cells whose states to return")

    def selections(self) -> tuple[UnitSelection, ...]:
        """The cells as the network is asked for them."""
        return tuple(cell.selection() for cell in self.cells)


def or_null(field: dict[str, Any]) -> dict[str, Any]:
    """The schema of a field that may also be null; its description and default stay at the top level."""
    about = {name: field[name] for name in ("title", "description", "default") if name in field}
    kinds = {name: value for name, value in field.items() if name not in about}
    alternatives = next(iter(kinds.values())) if list(kinds) in (["anyOf"], ["oneOf"]) else [kinds]
    if {"type": "null"} not in alternatives:
        alternatives = [*alternatives, {"type": "null"}]
    return {"anyOf": alternatives, **{name: value for name, value in about.items() if name != "title"}}
