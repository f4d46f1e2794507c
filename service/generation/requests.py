"""Requests and results of generation, with every default filled in; knows nothing of JSON or HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from charrnn.engine.steering import Held
from charrnn.patterns.compiling import Pattern
from charrnn.sampling import DEFAULT_LENGTH, SamplingParams
from charrnn.vocabulary import Ids
from service.generation.continuations.continuation import Continuation, Place
from service.generation.logprobs import TextLogprobs

FinishReason = Literal["length", "stop", "end"]

Prompt = str | tuple[int, ...]
"""A text, or ids."""

Skipped = tuple[tuple[int, str], ...]
"""The dropped characters or words of a text that the model does not know, as (position, character or word)."""


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """A valid request: `model` as `name`, `name@3` or `name@alias`; `seed` None lets the server draw one.

    A text that goes on from `start` has its model, and reads the prompt first; everything else is as given here.

    `sampling.seed` is ignored: the seed of choice i is `seed + i`, so that each choice can be reproduced alone.
    """

    model: str
    prompt: Prompt = ""
    length: int = DEFAULT_LENGTH
    seed: int | None = None
    sampling: SamplingParams = field(default_factory=SamplingParams)
    stop: tuple[str, ...] = ()
    include_stop: bool = False
    """Whether the text includes the stop text that ended it."""
    min_tokens: int = 0
    """The minimum number of tokens before a stop text takes effect."""
    label: str | None = None
    """What a record begins with, for a model trained with labels."""
    pattern: Pattern | None = None
    """What each text has to fit, without the prompt."""
    place: Place | None = None
    """Where in the pattern the text goes on that `start` has begun; None: at its beginning."""
    held: tuple[Held, ...] = ()
    """Cells that are held while the text is generated."""
    n: int = 1
    echo: bool = False
    with_ids: bool = False
    """Whether the generated ids are to be returned."""
    start: Continuation | None = None
    """Where to go on; None: at the beginning of a text."""
    with_continuation: bool = False
    """Whether the end of each choice is to be returned."""
    skip_unknown: bool = False
    cache_scope: str = ""
    """Without a seed, only requests of the same scope share a text."""
    read_cache: bool = True
    write_cache: bool = True
    timeout: float | None = field(default=None, compare=False)
    """The time limit in seconds; ignored when requests are compared."""

    @property
    def searched_stop(self) -> tuple[str, ...]:
        """The stop texts to look for in what is generated: no text that fits a pattern has any."""
        return self.stop if self.pattern is None else ()


@dataclass(frozen=True, slots=True)
class Choice:
    """One generated text, which can be reproduced alone from its `seed`; `ids` of all generated tokens, including those
    of a stop text, if requested."""

    text: str
    seed: int
    finish_reason: FinishReason
    completion_tokens: int
    logprobs: TextLogprobs | None = None
    ids: tuple[int, ...] | None = None
    continuation: Continuation | None = None
    """Its end, from which it can go on, if requested."""


@dataclass(frozen=True, eq=False, slots=True)
class Generation:
    """The result of a request; `prompt` has the ids that were read, `skipped` lists dropped unknown characters, as
    (position, character)."""

    model: str
    version: int
    choices: tuple[Choice, ...]
    prompt: Ids
    skipped: Skipped = ()
    cached: bool = False
    """Whether all of it came from the cache."""
    cached_tokens: int = 0
    """How many of the generated tokens did."""
    cached_prompt_tokens: int = 0
    """How many of the prompt's ids were read for earlier requests."""
    pattern_skipped: tuple[str, ...] = ()
    """The characters of the pattern that the model does not know, and that it can do without."""

    @property
    def prompt_tokens(self) -> int:
        """How many ids were read."""
        return int(self.prompt.size)

    @property
    def completion_tokens(self) -> int:
        """How many tokens all choices have."""
        return sum(choice.completion_tokens for choice in self.choices)

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Tokens of the prompt, generated ones, and how many of these, and of the prompt's, were cached."""
        return self.prompt_tokens, self.completion_tokens, self.cached_tokens, self.cached_prompt_tokens
