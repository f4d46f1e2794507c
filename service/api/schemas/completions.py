"""The body of `POST /v1/completions`: OpenAI's fields, vLLM's, and this service's own."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, Tag, model_validator

from service.api.schemas.base import Id
from service.api.schemas.bounds import AtMost
from service.api.schemas.faults import SEVERAL, alternatives, fault
from service.api.schemas.generation import ContinuingBody
from service.api.schemas.neutral import NeutralBody
from service.generation.requests import Prompt


def _prompt_kind(value: Any) -> str | None:
    """The kind of a prompt; a list with a prompt in it is a list of prompts."""
    if isinstance(value, list) and any(isinstance(each, str | list) for each in value):
        return SEVERAL
    return _one_prompt_kind(value)


def _one_prompt_kind(value: Any) -> str | None:
    return "<text>" if isinstance(value, str) else "<ids>" if isinstance(value, list) else None


PromptText = Annotated[str, AtMost("max_prompt_length", "characters"), Tag("<text>")]
PromptIds = Annotated[list[Id], Field(min_length=1), AtMost("max_prompt_length", "ids"), Tag("<ids>")]
OnePrompt = Annotated[PromptText | PromptIds, alternatives(_one_prompt_kind, "a string or a list of token ids")]
Prompts = Annotated[list[OnePrompt], Field(min_length=1, max_length=64), Tag(SEVERAL)]


class CompletionBody(NeutralBody, ContinuingBody):
    """`POST /v1/completions`. Other servers' fields that do not apply here are accepted with neutral values."""

    prompt: Annotated[
        PromptText | PromptIds | Prompts,
        alternatives(_prompt_kind, "a string, a list of token ids, or a list of these"),
    ] = Field("", description="the text to continue, or its token ids, or several of either")
    max_tokens: Annotated[int, Field(ge=0), AtMost("max_length", "tokens")] = Field(
        16, description="maximum number of tokens: characters, or words for a word-level model"
    )
    best_of: int | None = Field(None, ge=1, le=16, description="must equal n if given")

    @model_validator(mode="after")
    def _fits_together(self) -> CompletionBody:
        if self.best_of not in (None, self.n):
            raise fault(f"best_of must be n ({self.n}) when it is given, not {self.best_of}", "best_of")
        if self.max_tokens == 0 and not self.echo:
            raise fault("max_tokens must be at least 1 without echo, not 0", "max_tokens")
        return self

    @property
    def is_list(self) -> bool:
        """Whether the prompt is a list of prompts, even of one, rather than a text or ids."""
        return isinstance(self.prompt, list) and not isinstance(self.prompt[0], int)

    def prompts(self) -> list[Prompt]:
        """The prompts, each a text or ids."""
        if isinstance(self.prompt, str):
            return [self.prompt]
        if not self.is_list:
            return [tuple(id_ for id_ in self.prompt if isinstance(id_, int))]
        return [each if isinstance(each, str) else tuple(each) for each in self.prompt if not isinstance(each, int)]
