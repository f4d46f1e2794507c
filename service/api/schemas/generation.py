"""What the bodies of requests for generated text have in common."""

from __future__ import annotations

import re
from operator import attrgetter
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, Tag, field_validator

from charrnn.config import MAX_VOCABULARY_SIZE
from charrnn.parameters import parameters
from charrnn.sampling import SamplingParams
from charrnn.tasks.record import MAX_LABEL
from service.api.schemas.base import Body, Id, ModelBody, Unknown
from service.api.schemas.faults import alternatives, fault
from service.api.schemas.parameters import Limits, takes
from service.api.schemas.patterns import PatternBody
from service.generation.requests import GenerationRequest, Prompt

SAMPLING: Final = tuple(name for name in parameters(SamplingParams) if name != "seed")
"""The sampling parameters in a body; the seed is declared separately, because it may be null."""

MEANINGS: Final = {name: each.parameter for name, each in parameters(SamplingParams).items()}
_sampling: Final = attrgetter(*SAMPLING)
_ID: Final = re.compile("0|[1-9][0-9]{0,9}")


MOST_CHOICES: Final = 16
"""How many texts one request can ask for."""


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
class SamplingBody(PatternBody, ModelBody):
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
    n: int = Field(1, ge=1, le=MOST_CHOICES, description="number of texts to generate, with consecutive seeds")
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

    def continuing(
        self, prompt: Prompt, length: int, model: str, *, cache_scope: str, read_cache: bool, **more: Any
    ) -> GenerationRequest:
        """The request to continue the prompt, with every default filled in; `more` are further fields of it."""
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
            pattern=self.pattern(),
            n=self.n,
            echo=self.echo,
            with_ids=self.return_token_ids,
            skip_unknown=self.unknown == "skip",
            cache_scope=cache_scope,
            read_cache=read_cache and self.cache,
            write_cache=self.cache,
            timeout=self.timeout,
            **more,
        )
