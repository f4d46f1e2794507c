"""The bodies of requests for a text: how it is continued, whichever way it was asked for, and `POST /generate`."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, Tag, ValidationInfo, field_validator, model_validator

from charrnn.config import MAX_VOCABULARY_SIZE
from charrnn.sampling import SamplingParams
from service.api.schemas.base import UNKNOWN, Body, CellsBody, Id, ModelBody
from service.api.schemas.bounds import AtMost
from service.api.schemas.faults import alternatives, fault
from service.api.schemas.neutral import NeutralBody
from service.generation.requests import GenerationRequest, Prompt
from service.generation.tracing import traceable
from service.settings import Settings

_ID: Final = re.compile("0|[1-9][0-9]{0,9}")


def _id_key(key: str) -> str:
    """A key of `logit_bias`. Characters are none: a digit is one, and an id as well."""
    if not _ID.fullmatch(key):
        raise fault(f"logit_bias: a key must be a token id, as returned by POST /tokenize, not {key[:200]!r}")
    return key


def _stop_kind(value: Any) -> str | None:
    return "<text>" if isinstance(value, str) else "<texts>" if isinstance(value, list) else None


def _nothing(value: Any) -> Any:
    """No likeliest tokens, where false asks for none: OpenAI's chat has this field as a boolean."""
    return None if value is False else value


_Stop = Annotated[str, Field(min_length=1, max_length=256)]
Stop = Annotated[
    Annotated[str, Field(max_length=256), Tag("<text>")] | Annotated[list[_Stop], Field(max_length=8), Tag("<texts>")],
    alternatives(_stop_kind, "a string or a list of strings"),
]
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


class SamplingBody(ModelBody):
    """How a text is continued, whichever way it was asked for."""

    temperature: float = Field(
        1.0, ge=0, le=10, description="below 1: more predictable, above 1: more random; 0: greedy"
    )
    seed: int | None = Field(
        None,
        ge=-(1 << 63),
        lt=1 << 63,
        description="the same seed gives the same text (-1 is a seed too); drawn at random if omitted or null",
    )
    top_k: int = Field(0, ge=-1, lt=1 << 31, description="sample from the k most likely tokens; 0 or -1: from all")
    top_p: float = Field(
        1.0, gt=0, le=1, description="sample from the most likely tokens whose probabilities add up to this"
    )
    min_p: float = Field(
        0.0,
        ge=0,
        le=1,
        description="exclude tokens less likely than this fraction of the most likely one's probability",
    )
    repetition_penalty: float = Field(
        1.0, ge=0.01, le=10, description="above 1 makes the last 64 tokens less likely, below 1 more likely"
    )
    presence_penalty: float = Field(
        0.0, ge=-2, le=2, description="subtracted from the logits of tokens generated among the last 64"
    )
    frequency_penalty: float = Field(
        0.0, ge=-2, le=2, description="as presence_penalty, but once per occurrence; the prompt does not count"
    )
    logit_bias: LogitBias = Field(
        default_factory=dict,
        max_length=1024,
        description="maps token ids (as strings) to biases added to their logits; -100 makes a token e^100 times less"
        " likely at temperature 1, e^10 times at 10; to rule tokens out, use allowed_token_ids",
    )
    allowed_token_ids: Annotated[list[Id], Field(min_length=1, max_length=MAX_VOCABULARY_SIZE)] | None = Field(
        None, description="generate only these tokens"
    )
    stop: Stop = Field(
        default_factory=list, description="up to 8 strings; the text ends before the first one generated"
    )
    include_stop_str_in_output: bool = Field(False, description="include the stop string in the text")
    min_tokens: int = Field(
        0, ge=0, lt=1 << 31, description="minimum number of tokens before a stop string takes effect"
    )
    n: int = Field(1, ge=1, le=16, description="number of texts to generate")
    logprobs: Annotated[
        Logprobs | None, BeforeValidator(_nothing, json_schema_input_type=Logprobs | Literal[False] | None)
    ] = Field(
        None, description="return each token's log probability and those of this many most likely tokens; false: none"
    )
    return_token_ids: bool = Field(
        False, description="return the ids of the prompt and the text: prompt_token_ids, token_ids"
    )
    echo: bool = Field(False, description="include the prompt in each text")
    unknown: Literal["error", "skip"] = Field("error", description=UNKNOWN)
    stream: bool = Field(False, description="stream the text as it is generated")
    stream_options: StreamOptions = Field(default_factory=StreamOptions, description="what to stream besides the text")
    cache: bool = Field(True, description="read from and write to the cache")
    timeout: float | None = Field(
        None, gt=0, le=86_400, description="time limit in seconds; REQUEST_TIMEOUT applies too"
    )

    @field_validator("seed", mode="before")
    @classmethod
    def _seed_is_no_text(cls, value: Any) -> Any:
        if isinstance(value, str):
            raise fault(
                "seed must be an integer (-1 is a valid seed), not a text: the text to continue goes into `prompt`"
            )
        return value

    def continuing(self, prompt: Prompt, length: int, model: str, *, read_cache: bool) -> GenerationRequest:
        """The request for going on from the prompt, with every default filled in."""
        return GenerationRequest(
            model=model,
            prompt=prompt,
            length=length,
            seed=self.seed,
            sampling=SamplingParams(
                temperature=self.temperature,
                top_k=max(self.top_k, 0),
                top_p=self.top_p,
                min_p=self.min_p,
                repetition_penalty=self.repetition_penalty,
                presence_penalty=self.presence_penalty,
                frequency_penalty=self.frequency_penalty,
                logit_bias=tuple(sorted((int(id_), bias) for id_, bias in self.logit_bias.items() if bias)),
                allowed_token_ids=None if self.allowed_token_ids is None else tuple(sorted({*self.allowed_token_ids})),
                logprobs=self.logprobs,
            ),
            stop=tuple(filter(None, (self.stop,))) if isinstance(self.stop, str) else tuple(self.stop),
            include_stop=self.include_stop_str_in_output,
            min_tokens=self.min_tokens,
            n=self.n,
            echo=self.echo,
            with_ids=self.return_token_ids,
            skip_unknown=self.unknown == "skip",
            read_cache=read_cache and self.cache,
            write_cache=self.cache,
            timeout=self.timeout,
        )


class GenerateBody(NeutralBody, SamplingBody):
    """`POST /generate`."""

    prompt: Annotated[str, AtMost("max_prompt_length", "characters")] | None = Field(
        None, description="the text to continue; may be empty"
    )
    seed_text: Annotated[str, AtMost("max_prompt_length", "characters")] | None = Field(
        None, description="another name for prompt"
    )
    length: Annotated[int, AtMost("max_length", "tokens")] = Field(
        200, ge=1, description="maximum number of tokens: characters, or words for a word-level model"
    )
    trace: CellsBody | None = Field(None, description="return the states of cells along each text")

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

    @property
    def prompt_field(self) -> str:
        """The name by which the text to go on from came."""
        return "prompt" if self.seed_text is None or self.prompt is not None else "seed_text"

    @property
    def text_before(self) -> str:
        """The text to go on from, by whichever name it came."""
        return self.prompt or self.seed_text or ""

    def request(self, settings: Settings, *, read_cache: bool = True) -> GenerationRequest:
        """The request with every default filled in."""
        made = self.continuing(self.text_before, self.length, self.reference(settings), read_cache=read_cache)
        return made if self.trace is None else traceable(made)
