"""The replies of `/models/{name}/versions/{v}/cells`."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, cast

from pydantic import Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from charrnn.config import Part
from charrnn.interpretation.survey import UnitSurvey
from charrnn.interpretation.verdict import Measure
from service.api.schemas.replies.common import closed


@closed
class MeasuredOn(TypedDict):
    """The text that was searched along: how long, and whether it is known that training left it out."""

    characters: int
    held_out: bool


@closed
class FoundCell(TypedDict):
    """The cell that follows something best, picked in every other block of a text and scored in those between. `chance`
    is what the best of all cells exceeds there once in twenty times when the labels are shifted; `share` how much of
    the text is labelled."""

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
    """Something that no cell follows clearly better than chance, or of which the text does not tell; then `score` and
    `chance` may be null."""

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
    undecided: list[MissingCell]


_SHAPE: Final = TypeAdapter(CellsReply)


def cells_reply(name: str, version: int, found: UnitSurvey) -> CellsReply:
    """The result of a search."""
    return cast(CellsReply, {"model": name, "version": version, **found.as_dict()})


def kept_cells_reply(name: str, version: int, kept: dict[str, Any]) -> CellsReply | None:
    """The stored result of a search; None if the sidecar is damaged. One from before there was `undecided` had what
    is undecided among what was not found, without a score."""
    reply = {"model": name, "version": version, **kept}
    reply.setdefault("undecided", [])
    try:
        _SHAPE.validate_python(reply)
    except ValidationError:
        return None
    found = cast(CellsReply, reply)
    found["undecided"] = [*found["undecided"], *(each for each in found["not_found"] if each["score"] is None)]
    found["not_found"] = [each for each in found["not_found"] if each["score"] is not None]
    return found
