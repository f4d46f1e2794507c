"""The body of a request for records."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field, model_validator

from service.api.schemas.base import Unknown
from service.api.schemas.bounds import AtMost
from service.api.schemas.faults import fault
from service.api.schemas.generation import Label, SamplingBody
from service.generation.records.request import DEFAULT_LENGTH, RecordsRequest
from service.settings import Settings

MAX_COUNT: Final = 1_000_000
MAX_OFFSET: Final = 1 << 53
"""Every JSON parser represents smaller integers exactly."""


class RecordsBody(SamplingBody):
    """`POST /records`."""

    count: int = Field(ge=1, le=MAX_COUNT, description="number of records")
    prompt: Annotated[str, AtMost("max_prompt_length", "characters")] = Field(
        "", description="what each record begins with"
    )
    label: Label | None = Field(
        None, description="one of the model's labels, which all records get, for models trained with them"
    )
    length: Annotated[int, AtMost("max_length", "tokens")] = Field(
        DEFAULT_LENGTH, ge=1, description="maximum number of tokens of a record after the prompt"
    )
    unique: bool = Field(False, description="no record twice")
    novel: bool = Field(False, description="no record that is in the training data")
    offset: int = Field(
        0, ge=0, lt=MAX_OFFSET, description="begin with this candidate, counted from 0; not with unique"
    )
    unknown: Unknown = "error"

    @model_validator(mode="after")
    def _can_be_streamed(self) -> RecordsBody:
        if self.unique and self.offset:
            message = f"offset must be 0 with unique, not {self.offset}: what came before it would be unknown"
            raise fault(message, "offset")
        if self.logprobs is not None:
            raise fault("logprobs must be omitted: records have none, but POST /generate returns them", "logprobs")
        return self

    def request(self, settings: Settings) -> RecordsRequest:
        """The request with every default filled in."""
        return RecordsRequest(
            model=self.reference(settings),
            count=self.count,
            prompt=self.prompt,
            label=self.label,
            pattern=self.pattern(),
            length=min(self.length, settings.max_length),
            seed=self.seed,
            sampling=self.sampling(),
            unique=self.unique,
            novel=self.novel,
            offset=self.offset,
            skip_unknown=self.unknown == "skip",
        )
