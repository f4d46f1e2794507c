"""The cells that `POST /generate` holds at values while it generates: `set`."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from charrnn.config import Part
from charrnn.engine.steering import MOST_HELD, Held, repeated, value_fault
from charrnn.parameters import parameters
from service.api.schemas.base import Body
from service.api.schemas.faults import predicate

_DECLARED: Final = parameters(Held)


def _field(name: str, default: Any = ...) -> Any:
    declared = _DECLARED[name].parameter
    bounds: dict[str, Any] = declared.limits
    return Field(default, **bounds, description=declared.description)


class HeldBody(Body):
    """A cell, and the value that its state is held at."""

    layer: int = _field("layer")
    unit: int = _field("unit")
    part: Part = _field("part", "hidden")
    value: float = _field("value")

    @field_validator("value")
    @classmethod
    def _suits_its_part(cls, value: float, info: ValidationInfo) -> float:
        if message := value_fault(info.data.get("part", "cell"), value):
            raise predicate(message)
        return value

    def held(self) -> Held:
        """The same for the engine."""
        return Held(self.layer, self.unit, self.part, self.value)


def _each_once(cells: list[HeldBody]) -> list[HeldBody]:
    if (index := repeated([each.held() for each in cells])) is not None:
        twice = cells[index]
        named = f"layer {twice.layer}, unit {twice.unit}, {twice.part}"
        raise predicate(f"must have each cell at most once, not twice: {named}")
    return cells


HeldBodies = Annotated[list[HeldBody], Field(max_length=MOST_HELD), AfterValidator(_each_once)]


def held_cells(cells: list[HeldBody]) -> tuple[Held, ...]:
    """What the engine holds; the same for equivalent requests."""
    return tuple(sorted((each.held() for each in cells), key=lambda held: held.cell))
