"""The body of `POST /v1/completions`: OpenAI's fields, vLLM's, and this service's own."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from service.api.bounds import AtMost
from service.api.schemas import Body, Id, SamplingBody
from service.generation.requests import Prompt

Text = Annotated[str, AtMost("max_prompt_length", "characters")]
Ids = Annotated[list[Id], Field(min_length=1), AtMost("max_prompt_length", "ids")]


class StreamOptions(Body):
    """What a stream tells beside the text."""

    include_usage: bool = False
    include_obfuscation: bool = False


class CompletionBody(SamplingBody):
    """`POST /v1/completions`. What OpenAI has and has no meaning here is taken when it asks for nothing."""

    prompt: Text | Ids | Annotated[list[Text | Ids], Field(min_length=1, max_length=64)] = ""
    max_tokens: Annotated[int, Field(ge=0), AtMost("max_length", "tokens")] = 16
    stream_options: StreamOptions | None = None
    user: str | None = None
    best_of: int | None = Field(None, ge=1, le=16)
    presence_penalty: Annotated[float, Field(ge=0, le=0)] = 0.0
    frequency_penalty: Annotated[float, Field(ge=0, le=0)] = 0.0
    suffix: Literal[""] | None = None
    logit_bias: Annotated[dict[str, Any], Field(max_length=0)] | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> CompletionBody:
        if self.best_of not in (None, self.n):
            raise ValueError(f"best_of must be n ({self.n}) when it is given, not {self.best_of}")
        if self.stream_options is not None and not self.stream:
            raise ValueError("stream_options is for streams: it needs stream to be true")
        if self.max_tokens == 0 and not self.echo:
            raise ValueError("max_tokens must be at least 1 without echo, not 0")
        return self

    @property
    def is_list(self) -> bool:
        """Whether the prompt is a list of prompts, be it of one, rather than a text or ids."""
        return isinstance(self.prompt, list) and not isinstance(self.prompt[0], int)

    def prompts(self) -> list[Prompt]:
        """The prompts, each a text or ids."""
        if isinstance(self.prompt, str):
            return [self.prompt]
        if not self.is_list:
            return [tuple(id_ for id_ in self.prompt if isinstance(id_, int))]
        return [each if isinstance(each, str) else tuple(each) for each in self.prompt if not isinstance(each, int)]
