"""The replies of `/models/{name}/versions/{v}/cells`."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, cast

from pydantic import Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from charrnn.config import Part
from charrnn.interpretation.search import Measure
from charrnn.interpretation.survey import Survey
from service.api.schemas.replies.common import closed


@closed
class MeasuredOn(TypedDict):
    """The text that was searched along: how long, and whether it is known that training left it out."""

    characters: int
    held_out: bool


@closed
class FoundCell(TypedDict):
    """The cell that follows something best, picked on one half of a text and scored on the other. `chance` is what the
    best of all cells reaches there when the labels are shifted; `share` how much of the text is labelled."""

    slug: Annotated[
        str, Field(description="its name in the picture's URL: /models/{name}/versions/{version}/cells/{slug}.svg")
    ]
    follows: str
    measure: Measure
    score: float
    chance: float
    layer: int
    unit: int
    part: Part
    sign: Annotated[Literal[1, -1], Field(description="-1: the cell is low where the label holds (or is high)")]
    share: float | None


@closed
class MissingCell(TypedDict):
    """Something that no cell follows clearly better than chance, or that the text has too little of."""

    slug: str
    follows: str
    score: float | None
    chance: float | None
    reason: str


@closed
class CellsReply(TypedDict):
    """What a version's cells follow, those furthest above chance first."""

    model: str
    version: int
    measured_on: MeasuredOn
    cells: list[FoundCell]
    not_found: list[MissingCell]


_SHAPE: Final = TypeAdapter(CellsReply)


def cells_reply(name: str, version: int, found: Survey) -> CellsReply:
    """The result of a search."""
    return cast(CellsReply, {"model": name, "version": version, **found.as_dict()})


def kept_cells_reply(name: str, version: int, kept: dict[str, Any]) -> CellsReply | None:
    """The stored result of a search; None if the sidecar is damaged."""
    reply = {"model": name, "version": version, **kept}
    try:
        _SHAPE.validate_python(reply)
    except ValidationError:
        return None
    return cast(CellsReply, reply)
