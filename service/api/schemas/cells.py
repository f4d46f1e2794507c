"""The JSON of `/models/{name}/versions/{v}/cells`, asked and answered."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from charrnn.config import Part
from charrnn.interpretation.search import Measure
from service.api.schemas.base import Body
from service.api.schemas.bounds import AtMost
from service.api.schemas.faults import fault
from service.api.schemas.replies import Reply


class CellSearchBody(Body):
    """What to run the search on: a corpus, or a text."""

    corpus: str | None = None
    text: Annotated[str, AtMost("max_prompt_length", "characters")] | None = None
    unknown: Literal["error", "skip"] = "error"

    @model_validator(mode="after")
    def _exactly_one(self) -> CellSearchBody:
        if (self.corpus is None) == (self.text is None):
            raise fault(f"corpus or text must be given, not {'neither' if self.corpus is None else 'both'}")
        return self


class MeasuredOn(Reply):
    """The text that was searched along: how long, and whether it is known that training left it out."""

    characters: int
    held_out: bool


class FoundCell(Reply):
    """The cell that follows something best, picked on one half of a text and scored on the other. `chance` is what the
    best of all cells reaches there when the labels are shifted; `share` how much of the text is labelled."""

    slug: str = Field(description="its name in the picture's URL: /models/{name}/versions/{version}/cells/{slug}.svg")
    follows: str
    measure: Measure
    score: float
    chance: float
    layer: int
    unit: int
    part: Part
    sign: Literal[1, -1] = Field(description="-1: the cell is low where the label holds (or is high)")
    share: float | None


class MissingCell(Reply):
    """Something that no cell follows clearly better than chance, or that the text has too little of."""

    slug: str
    follows: str
    score: float | None
    chance: float | None
    reason: str


class CellsReply(Reply):
    """What a version's cells follow, those furthest above chance first."""

    model: str
    version: int
    measured_on: MeasuredOn
    cells: list[FoundCell]
    not_found: list[MissingCell]
