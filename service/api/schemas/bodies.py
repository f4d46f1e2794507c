"""The bodies of requests as JSON has them, and what becomes of them once they are valid."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from charrnn.config import MAX_WIDTH as MAX_HIDDEN_SIZE
from charrnn.config import Cell
from charrnn.training.config import Budget, ValidationSplit
from charrnn.vocabulary import Level
from model_store.promotion import Promote
from service.api.schemas.base import UNKNOWN, Body, CellsBody, Id, ModelBody, Name, Reference
from service.api.schemas.bounds import AtMost
from service.api.schemas.faults import fault
from service.api.schemas.neutral import NeutralTextBody
from service.generation.tracing import TraceRequest
from service.generation.units import UnitSelectionError
from service.settings import Settings
from service.training.requests import DEFAULT_BUDGET, JobRequest


class ScoreBody(ModelBody):
    """`POST /score`; the text may be as long as a prompt."""

    text: Annotated[str, AtMost("max_prompt_length", "characters")]


class TokenizeBody(NeutralTextBody, ScoreBody):
    """`POST /tokenize`."""

    unknown: Literal["error", "skip"] = Field("error", description=UNKNOWN)


class TraceBody(ModelBody, CellsBody):
    """`POST /trace`."""

    text: Annotated[str, Field(min_length=1), AtMost("max_trace_length", "characters")]
    unknown: Literal["error", "skip"] = Field("error", description=UNKNOWN)

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

    ids: Annotated[list[Id], AtMost("max_prompt_length", "ids")]


class AliasBody(Body):
    """`PUT /models/{name}/aliases/{alias}`."""

    version: int = Field(ge=1)


class BudgetBody(Body):
    """How long to train: exactly one of the three fields."""

    minutes: float | None = Field(None, gt=0, le=100_000)
    epochs: float | None = Field(None, gt=0, le=1_000_000)
    steps: int | None = Field(None, ge=1, le=1_000_000_000)

    @model_validator(mode="after")
    def _exactly_one(self) -> BudgetBody:
        if len(given := self.model_dump(exclude_none=True)) != 1:
            raise fault(f"budget must be exactly one of minutes, epochs and steps, not {given or 'nothing'}")
        return self


class JobBody(Body):
    """`POST /jobs`; settings that are omitted are chosen automatically."""

    corpus: str = Field(description="id of the corpus to train on")
    model: Name = Field(description="name of the model; an existing one gets a new version")
    cell: Cell | None = Field(None, description="type of recurrent cell")
    hidden_size: int | None = Field(None, ge=1, le=MAX_HIDDEN_SIZE, description="units per layer")
    layers: int | None = Field(None, ge=1, le=16, description="number of stacked recurrent layers")
    embedding_size: int | None = Field(
        None, ge=0, le=MAX_HIDDEN_SIZE, description="size of the token embedding; 0: one-hot input"
    )
    level: Level | None = Field(None, description="what a token is: a character or a word")
    dropout: float | None = Field(None, ge=0, le=0.95, description="dropout probability, to reduce overfitting")
    segment_length: int | None = Field(
        None, ge=1, le=4096, description="tokens per segment of truncated backpropagation through time"
    )
    batch_size: int | None = Field(None, ge=1, le=4096, description="number of segments trained on in parallel")
    learning_rate: float | None = Field(
        None, ge=1e-8, le=100, description="peak learning rate, after warm-up and before decay"
    )
    clip: float | None = Field(None, ge=0, le=1e6, description="maximum gradient norm; 0: no clipping")
    validation_fraction: float | None = Field(
        None, ge=0, le=0.5, description="share of the text that is held out to measure the loss"
    )
    validation_split: ValidationSplit | None = Field(
        None, description="what to hold out: `blocks` spread over the text (default), or its `end`, as nanoGPT does"
    )
    budget: BudgetBody | None = Field(None, description="how long to train (default 5 minutes)")
    seed: int | None = Field(None, ge=0, lt=1 << 63, description="seed for initial weights and dropout")
    base: Reference | None = Field(
        None, description="version of the same sizes to continue training from, such as plays@3"
    )
    promote: Promote = Field("if_better", description="whether to make the new version `current`")

    def request(self) -> JobRequest:
        """The request as the job store keeps it."""
        values = self.model_dump(exclude_unset=True, exclude={"budget"})
        budget = DEFAULT_BUDGET if self.budget is None else Budget(**self.budget.model_dump(exclude_none=True))
        return JobRequest(**values, budget=budget)
