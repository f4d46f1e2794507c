"""The bodies of requests to models of the other tasks, and of those that compare models."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from charrnn.tasks.record import MAX_LABELS
from service.api.schemas.base import ModelBody, Reference, Unknown
from service.api.schemas.bounds import AtMost
from service.api.schemas.faults import fault
from service.api.schemas.texts import TextsBody
from service.generation.records.request import DEFAULT_LENGTH
from service.generation.transducing import TransductionRequest
from service.settings import Settings


class ClassifyBody(TextsBody, ModelBody):
    """`POST /classify`."""

    top: int | None = Field(
        None, ge=1, le=MAX_LABELS, description="return the probabilities of so many of the likeliest labels; null: all"
    )
    unknown: Unknown = "error"


class TagBody(TextsBody, ModelBody):
    """`POST /tag`."""

    unknown: Unknown = "error"


class TransduceBody(TextsBody, ModelBody):
    """`POST /transduce`."""

    beams: int = Field(1, ge=1, le=16, description="how many beginnings are kept at each step; 1: greedy")
    length: Annotated[int, AtMost("max_length", "tokens")] | None = Field(
        None,
        ge=1,
        description=f"maximum number of tokens, the end included; null: {DEFAULT_LENGTH}, or MAX_LENGTH if it is less",
    )
    unknown: Unknown = "error"

    def request(self, settings: Settings) -> TransductionRequest:
        """The request with every default filled in."""
        length = self.length or min(DEFAULT_LENGTH, settings.max_length)
        reference, skips = self.reference(settings), self.unknown == "skip"
        return TransductionRequest(reference, self.several, self.beams, length, skips)


class CompareBody(TextsBody):
    """`POST /compare`."""

    models: Annotated[list[Reference], Field(min_length=2, max_length=16)] = Field(
        description="the models to compare, each as name, name@3 (that version) or name@alias"
    )

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        for index, reference in enumerate(self.models):
            if reference in self.models[:index]:
                raise fault(f"models must be different, but {reference[:200]!r} is there twice", "models")
        return self
