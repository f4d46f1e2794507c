"""The bodies of requests about a given text: to score, tokenize or trace it."""

from __future__ import annotations

from typing import Annotated, Any, Final, Self

from pydantic import BeforeValidator, Field, model_validator

from service.api.schemas.base import Body, CellsBody, Id, ModelBody, Unknown
from service.api.schemas.bounds import AtMost
from service.api.schemas.faults import fault
from service.api.schemas.generation import Logprobs
from service.api.schemas.neutral import NeutralTextBody
from service.generation.units.selection import UnitSelectionError
from service.generation.units.tracing import TraceRequest
from service.settings import Settings


def _number(value: Any) -> Any:
    """A number of likely tokens for true (none beside each token's own) and false (nothing at all)."""
    return {True: 0, False: None}[value] if isinstance(value, bool) else value


_Asked = Annotated[Logprobs | None, BeforeValidator(_number, json_schema_input_type=Logprobs | bool | None)]

ReadText = Annotated[str, AtMost("max_prompt_length", "characters")]
"""It may be as long as a prompt."""

MOST_TEXTS: Final = 1000


class TextsBody(Body):
    """A text, or several that are read together."""

    text: ReadText | None = Field(None, description="the text to read")
    texts: Annotated[list[ReadText], Field(min_length=1, max_length=MOST_TEXTS)] | None = Field(
        None, description="several texts instead, which are read together"
    )

    @model_validator(mode="after")
    def _either(self) -> Self:
        if self.text is None and self.texts is None:
            raise fault("text is required, or texts", "text")
        if self.text is not None and self.texts is not None:
            raise fault("text and texts exclude each other: give only one of them", "texts")
        return self

    @property
    def several(self) -> list[str]:
        """All texts, also if it is one."""
        return [self.text or ""] if self.texts is None else self.texts


class ScoreBody(TextsBody, ModelBody):
    """`POST /score`."""

    logprobs: _Asked | None = Field(
        None,
        description="with `texts`: return the log probability of each token (true or 0), and of so many likely ones",
    )

    @model_validator(mode="after")
    def _logprobs_of_texts(self) -> Self:
        if self.logprobs is not None and self.text is not None:
            raise fault("logprobs goes with texts; the reply for a text always has them", "logprobs")
        return self


class TokenizeBody(NeutralTextBody, ModelBody):
    """`POST /tokenize`."""

    text: ReadText = Field(description="the text to read")
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
