"""What is asked of a generation and what comes of it, every default filled in; knows nothing of JSON or HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from charrnn.sampling import DEFAULT_LENGTH, SamplingParams
from charrnn.vocabulary import Ids
from service.generation.logprobs import TextLogprobs

FinishReason = Literal["length", "stop"]

Prompt = str | tuple[int, ...]
"""A text, or ids, which a model reads as they are."""

Skipped = tuple[tuple[int, str], ...]
"""What a model does not know of a text and was dropped, as (position, character or word)."""


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """A valid request: `model` as `name`, `name@3` or `name@alias`; `seed` None lets the server draw one.

    `sampling.seed` is not looked at: the seed of choice i is `seed + i`, so that each choice can be had alone.
    """

    model: str
    prompt: Prompt = ""
    length: int = DEFAULT_LENGTH
    seed: int | None = None
    sampling: SamplingParams = field(default_factory=SamplingParams)
    stop: tuple[str, ...] = ()
    include_stop: bool = False
    """Whether a stop text that ended the text is part of it."""
    min_tokens: int = 0
    """So many tokens are generated before a stop text counts."""
    n: int = 1
    echo: bool = False
    with_ids: bool = False
    """Whether the ids of what is generated are wanted."""
    skip_unknown: bool = False
    read_cache: bool = True
    write_cache: bool = True
    timeout: float | None = field(default=None, compare=False)
    """Seconds that it may take; not part of what makes two requests the same."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One generated text, which can be made again alone from its `seed`; `ids` of all that was generated, those of a
    stop text included, when they were asked for."""

    text: str
    seed: int
    finish_reason: FinishReason
    completion_tokens: int
    logprobs: TextLogprobs | None = None
    ids: tuple[int, ...] | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Generation:
    """The result of a request; `prompt` has the ids that were read, `skipped` lists unknown characters that were
    dropped, as (position, character)."""

    model: str
    version: int
    choices: tuple[Choice, ...]
    prompt: Ids
    skipped: Skipped = ()
    cached: bool = False

    @property
    def prompt_tokens(self) -> int:
        """How many ids were read."""
        return int(self.prompt.size)
