"""The bodies of requests for generated text: what they have in common, and that of `POST /generate`."""

from __future__ import annotations

import re
from dataclasses import replace
from operator import attrgetter
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, Tag, ValidationInfo, field_validator, model_validator

from charrnn.config import MAX_VOCABULARY_SIZE
from charrnn.parameters import parameters
from charrnn.sampling import DEFAULT_LENGTH, SamplingParams
from charrnn.tasks.record import MAX_LABEL
from service.api.schemas.base import Body, CellsBody, Id, ModelBody, Unknown
from service.api.schemas.bounds import AtMost
from service.api.schemas.faults import alternatives, fault
from service.api.schemas.neutral import NeutralBody
from service.api.schemas.parameters import Limits, takes, with_field
from service.api.schemas.steering import HeldBodies, held_cells
from service.generation.continuations.continuation import Continuation
from service.generation.continuations.tokens import Continuations
from service.generation.requests import GenerationRequest, Prompt
from service.generation.units.tracing import traceable
from service.settings import Settings

SAMPLING: Final = tuple(name for name in parameters(SamplingParams) if name != "seed")
"""The sampling parameters in a body; the seed is declared separately, because it may be null."""

MEANINGS: Final = {name: each.parameter for name, each in parameters(SamplingParams).items()}
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
_sampling: Final = attrgetter(*SAMPLING)
_ID: Final = re.compile("0|[1-9][0-9]{0,9}")


def _id_key(key: str) -> str:
    """Check a key of `logit_bias`. Characters are not allowed as keys, because a digit could also be an id."""
    if not _ID.fullmatch(key):
        raise fault(f"logit_bias: a key must be a token id, as returned by POST /tokenize, not {key[:200]!r}")
    return key


def _stop_kind(value: Any) -> str | None:
    return "<text>" if isinstance(value, str) else "<texts>" if isinstance(value, list) else None


def _nothing(value: Any) -> Any:
    """None for false, because in OpenAI's chat API this field is a boolean."""
    return None if value is False else value


_Stop = Annotated[str, Field(min_length=1, max_length=256)]
Stop = Annotated[
    Annotated[str, Field(max_length=256), Tag("<text>")] | Annotated[list[_Stop], Field(max_length=8), Tag("<texts>")],
    alternatives(_stop_kind, "a string or a list of strings"),
]
Label = Annotated[str, Field(min_length=1, max_length=MAX_LABEL)]
Logprobs = Annotated[int, Field(ge=0, le=20)]
LogitBias = dict[Annotated[str, AfterValidator(_id_key)], Annotated[float, Field(ge=-100, le=100)]]


class StreamOptions(Body):
    """What to stream besides the text."""

    include_usage: bool = Field(
        False, description="send a final chunk with the usage of the whole request (POST /generate always does)"
    )
    continuous_usage_stats: bool = Field(
        False,
        description="include each choice's usage so far in every chunk (POST /v1/completions: only with include_usage)",
    )
    include_obfuscation: bool = Field(False, description="accepted for OpenAI's clients; has no effect")


LIMITS: Final[Limits] = {
    "temperature": {"le": 10},  # above this, all tokens are about equally likely
    "top_k": {"lt": 1 << 31},  # the engine's integer type
    "repetition_penalty": {"gt": None, "ge": 0.01, "le": 10},  # beyond these, logits exceed the precision of floats
}
"""Limits of the service that are stricter than the library's, and why."""


@takes(SamplingParams, LIMITS)
class SamplingBody(ModelBody):
    """How each token is chosen; fields that JSON has in another form than the library are spelled out."""

    seed: int | None = Field(
        None,
        ge=-(1 << 63),
        lt=1 << 63,
        description=f"{MEANINGS['seed'].description}; drawn at random if omitted or null",
    )
    logit_bias: LogitBias = Field(default_factory=dict, max_length=1024)
    allowed_token_ids: Annotated[list[Id], Field(min_length=1, max_length=MAX_VOCABULARY_SIZE)] | None = None
    logprobs: Annotated[
        Logprobs | None, BeforeValidator(_nothing, json_schema_input_type=Logprobs | Literal[False] | None)
    ] = Field(None, description=f"{MEANINGS['logprobs'].description}; false: none")

    @field_validator("seed", mode="before")
    @classmethod
    def _seed_is_no_text(cls, value: Any) -> Any:
        if isinstance(value, str):
            raise fault(
                "seed must be an integer (-1 is a valid seed), not a text: the text to continue goes into `prompt`"
            )
        return value

    def sampling(self) -> SamplingParams:
        """The sampling parameters, without the seed; equivalent requests give equal parameters."""
        asked = dict(zip(SAMPLING, _sampling(self), strict=True))
        asked["top_k"] = max(asked["top_k"], 0)
        bias = self.logit_bias
        asked["logit_bias"] = tuple(sorted((int(id_), each) for id_, each in bias.items() if each)) if bias else ()
        if self.allowed_token_ids is not None:
            asked["allowed_token_ids"] = tuple(sorted({*self.allowed_token_ids}))
        return SamplingParams(**asked)


class ContinuingBody(SamplingBody):
    """How a text is continued, whichever way it was asked for."""

    stop: Stop = Field(
        default_factory=list, description="up to 8 strings; the text ends before the first one generated"
    )
    include_stop_str_in_output: bool = Field(False, description="include the stop string in the text")
    min_tokens: int = Field(
        0, ge=0, lt=1 << 31, description="minimum number of tokens before a stop string takes effect"
    )
    n: int = Field(1, ge=1, le=16, description="number of texts to generate, with consecutive seeds")
    return_token_ids: bool = Field(
        False, description="return the ids of the prompt and the text: prompt_token_ids, token_ids"
    )
    echo: bool = Field(False, description="include the prompt in each text")
    label: Label | None = Field(
        None, description="what a record begins with: one of the model's labels, for models trained with them"
    )
    unknown: Unknown = "error"
    stream: bool = Field(False, description="stream the text as it is generated")
    stream_options: StreamOptions = Field(default_factory=StreamOptions, description="what to stream besides the text")
    cache: bool = Field(True, description="read from and write to the cache")
    timeout: float | None = Field(
        None, gt=0, le=86_400, description="time limit in seconds; REQUEST_TIMEOUT applies too"
    )

    def continuing(self, prompt: Prompt, length: int, model: str, *, read_cache: bool) -> GenerationRequest:
        """The request to continue the prompt, with every default filled in."""
        return GenerationRequest(
            model=model,
            prompt=prompt,
            length=length,
            seed=self.seed,
            sampling=self.sampling(),
            stop=tuple(filter(None, (self.stop,))) if isinstance(self.stop, str) else tuple(self.stop),
            include_stop=self.include_stop_str_in_output,
            min_tokens=self.min_tokens,
            label=self.label,
            n=self.n,
            echo=self.echo,
            with_ids=self.return_token_ids,
            skip_unknown=self.unknown == "skip",
            read_cache=read_cache and self.cache,
            write_cache=self.cache,
            timeout=self.timeout,
        )


@with_field(
    CONTINUE,
    str | None,
    Field(
        None,
        description="go on where another text ended: the `continuation` of one of its choices; the model stays, and"
        " the seed, how tokens are chosen, stop, include_stop_str_in_output, min_tokens and set, unless given; the"
        " prompt is read first",
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
    def text_before(self) -> str:
        """The prompt, whatever its field's name."""
        return self.prompt or self.seed_text or ""

    def request(
        self, settings: Settings, continuations: Continuations, *, read_cache: bool = True
    ) -> GenerationRequest:
        """The request with every default filled in, and what stays as it was. Raises InvalidContinuationError, and what
        reading the keys raises."""
        start = None if self.token is None else continuations.read(self.token)
        if self.continuation:
            continuations.check()
        model = start.reference if start is not None and self.model is None else self.reference(settings)
        continuing = self.continuing(self.text_before, self.length, model, read_cache=read_cache)
        made = replace(continuing, held=held_cells(self.set), with_continuation=self.continuation)
        if start is not None:
            made = self._going_on(made, start)
        return made if self.trace is None else traceable(made)

    def _going_on(self, made: GenerationRequest, start: Continuation) -> GenerationRequest:
        """The request, with what is not given as it was."""
        kept = {ours: getattr(start, ours) for name, ours in INHERITED.items() if name not in self.model_fields_set}
        given = {name for name in SAMPLING if name in self.model_fields_set} | {"logprobs"}
        sampling = replace(start.sampling, **{name: getattr(made.sampling, name) for name in given})
        seed = made.seed if made.seed is not None else start.sampling.seed
        return replace(made, start=start, sampling=sampling, seed=seed, **kept)
