"""The reply of `/complete`."""

from __future__ import annotations

import math
from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from charrnn.completing import Completion
from service.api.schemas.replies.common import (
    PatternSkippedField,
    SkippedField,
    Usage,
    closed,
    usage,
    with_pattern_skipped,
    with_skipped,
)
from service.generation.completing import Completed
from service.generation.requests import FinishReason


@closed
class CompletedText(TypedDict):
    """A text that may come next; its `probability` is that of all ways in which it ends, of which `finish_reason` is
    the likeliest."""

    text: Annotated[str, Field(description="what follows the prompt; may be empty")]
    logprob: Annotated[float, Field(description="natural logarithm of the probability")]
    probability: float
    finish_reason: FinishReason


@closed
class CompleteReply(TypedDict):
    """The likeliest completions of a prompt."""

    model: str
    version: int
    completions: Annotated[list[CompletedText], Field(description="the likeliest first, none twice")]
    exact: Annotated[bool, Field(description="true: it is proven that no other completion is likelier")]
    usage: Usage
    skipped: NotRequired[SkippedField]
    pattern_skipped: NotRequired[PatternSkippedField]


def complete_reply(found: Completed) -> CompleteReply:
    """The reply with these completions."""
    return {
        "model": found.model,
        "version": found.version,
        "completions": [_completion(each) for each in found.completions],
        "exact": found.exact,
        "usage": usage(found.prompt_tokens, found.completion_tokens, cached_prompt_tokens=found.cached_prompt_tokens),
        **with_skipped(found.skipped),
        **with_pattern_skipped(found.pattern_skipped),
    }


def _completion(each: Completion) -> CompletedText:
    return {
        "text": each.text,
        "logprob": each.logprob,
        "probability": math.exp(each.logprob),
        "finish_reason": each.finish_reason,
    }
