"""The bodies of requests about a given text: to score, tokenize or trace it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from service.api.schemas.base import CellsBody, Id, ModelBody, Unknown
from service.api.schemas.bounds import AtMost
from service.api.schemas.neutral import NeutralTextBody
from service.generation.units.selection import UnitSelectionError
from service.generation.units.tracing import TraceRequest
from service.settings import Settings


class ScoreBody(ModelBody):
    """`POST /score`; the text may be as long as a prompt."""

    text: Annotated[str, AtMost("max_prompt_length", "characters")] = Field(description="the text to read")


class TokenizeBody(NeutralTextBody, ScoreBody):
    """`POST /tokenize`."""

    unknown: Unknown = "error"


class TraceBody(ModelBody, CellsBody):
    """`POST /trace`."""

    text: Annotated[str, AtMost("max_trace_length", "characters")] = Field(
        min_length=1, description="the text to trace"
    )
    unknown: Unknown = "error"

    def request(self, settings: Settings) -> TraceRequest:
        """The request with every default filled in."""
        return TraceRequest(self.reference(settings), self.text, self.selections(), self.unknown == "skip")

    def check_one_cell(self) -> None:
        """Raises UnitSelectionError when more than one cell is asked for."""
        if len(self.cells) > 1 or any(cell.unit is None for cell in self.cells):
            asked = f"{len(self.cells)} cells" if len(self.cells) > 1 else f"all of layer {self.cells[0].layer}"
            bound = "must be at most one cell, with layer and unit, for a picture"
            raise UnitSelectionError("cells", f"{bound}, not {asked}")


class DetokenizeBody(ModelBody):
    """`POST /detokenize`."""

    ids: Annotated[list[Id], AtMost("max_prompt_length", "ids")] = Field(description="the token ids to turn into text")
