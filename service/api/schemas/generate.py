"""The body of `POST /generate`."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Final

from pydantic import Field, ValidationInfo, model_validator

from charrnn.sampling import DEFAULT_LENGTH
from service.api.schemas.base import CellsBody
from service.api.schemas.bounds import AtMost
from service.api.schemas.faults import fault
from service.api.schemas.generation import SAMPLING, ContinuingBody
from service.api.schemas.neutral import NeutralBody
from service.api.schemas.parameters import with_field
from service.api.schemas.steering import HeldBodies, held_cells
from service.generation.continuations.continuation import Continuation
from service.generation.continuations.tokens import Continuations
from service.generation.requests import GenerationRequest
from service.generation.units.tracing import traceable
from service.settings import Settings

CONTINUE: Final = "continue"
"""The field with a token, whose name is one of Python's own words."""
INHERITED: Final = {
    "stop": "stop",
    "include_stop_str_in_output": "include_stop",
    "min_tokens": "min_tokens",
    "set": "held",
}
"""Fields that are as they were unless they are given with `continue`, besides how tokens are chosen, and what they are
in a GenerationRequest and a Continuation."""


@with_field(
    CONTINUE,
    str | None,
    Field(
        None,
        description="go on where another text ended: the `continuation` of one of its choices; the model stays, and"
        " the seed, how tokens are chosen, stop, include_stop_str_in_output, min_tokens, set, and the pattern that the"
        " text fits, unless given (null: none); the prompt is read first",
    ),
)
class GenerateBody(NeutralBody, ContinuingBody):
    """`POST /generate`."""

    prompt: Annotated[str, AtMost("max_prompt_length", "characters")] | None = Field(
        None, description="the text to continue; may be empty"
    )
    seed_text: Annotated[str, AtMost("max_prompt_length", "characters")] | None = Field(
        None, description="another name for prompt"
    )
    length: Annotated[int, AtMost("max_length", "tokens")] = Field(
        DEFAULT_LENGTH, ge=1, description="maximum number of tokens: characters, or words for a word-level model"
    )
    set: HeldBodies = Field(default_factory=list, description="cells to hold at values while the text is generated")
    trace: CellsBody | None = Field(None, description="return the states of cells along each text")
    continuation: bool = Field(
        False, description="return from where each text can go on: a `continuation`, for the field `continue`"
    )

    @model_validator(mode="after")
    def _one_prompt(self) -> GenerateBody:
        if None not in (self.prompt, self.seed_text) and self.prompt != self.seed_text:
            raise fault("prompt and seed_text are two names for the same field: give only one of them")
        return self

    @model_validator(mode="after")
    def _can_be_traced(self, info: ValidationInfo) -> GenerateBody:
        if self.trace is None:
            return self
        if self.stream:
            raise fault("trace must be omitted with stream: it is returned with the whole text", "trace")
        limit = (info.context or {})["settings"].max_trace_length
        if (size := self.n * (len(self.text_before) + self.length)) > limit:
            asked = "n times the prompt's characters and length"
            raise fault(f"trace: {asked} must be at most {limit} (MAX_TRACE_LENGTH), not {size}", "trace")
        return self

    @model_validator(mode="after")
    def _can_go_on(self) -> GenerateBody:
        if self.token is None:
            return self
        if self.trace is not None:
            raise fault("trace must be omitted with continue: the text before is not known, only its end", "trace")
        if self.label is not None:
            raise fault("label must be omitted with continue: it was read at the beginning of the record", "label")
        return self

    @property
    def token(self) -> str | None:
        """The token from which the text is to go on."""
        token: str | None = getattr(self, CONTINUE, None)
        return token

    @property
    def prompt_field(self) -> str:
        """The name of the field that has the prompt."""
        return "prompt" if self.seed_text is None or self.prompt is not None else "seed_text"

    @property
    def pattern_field(self) -> str:
        """The name of the field that says what the text has to fit."""
        return super().pattern_field or CONTINUE

    @property
    def text_before(self) -> str:
        """The prompt, whatever its field's name."""
        return self.prompt or self.seed_text or ""

    def request(
        self, settings: Settings, continuations: Continuations, *, cache_scope: str = "", read_cache: bool = True
    ) -> GenerationRequest:
        """The request with every default filled in, and what stays as it was. Raises InvalidContinuationError, and what
        reading the keys raises."""
        start = None if self.token is None else continuations.read(self.token)
        if self.continuation:
            continuations.check(self.pattern())
        model = start.reference if start is not None and self.model is None else self.reference(settings)
        made = self.continuing(
            *(self.text_before, self.length, model),
            cache_scope=cache_scope,
            read_cache=read_cache,
            held=held_cells(self.set),
            with_continuation=self.continuation,
        )
        if start is not None:
            made = self._going_on(made, start)
        return made if self.trace is None else traceable(made)

    def _going_on(self, made: GenerationRequest, start: Continuation) -> GenerationRequest:
        """The request, with what is not given as it was."""
        kept = {ours: getattr(start, ours) for name, ours in INHERITED.items() if name not in self.model_fields_set}
        given = {name for name in SAMPLING if name in self.model_fields_set} | {"logprobs"}
        sampling = replace(start.sampling, **{name: getattr(made.sampling, name) for name in given})
        seed = made.seed if made.seed is not None else start.sampling.seed
        if not self.gives_pattern:
            kept |= {"pattern": start.pattern, "place": start.place}
        return replace(made, start=start, sampling=sampling, seed=seed, **kept)
