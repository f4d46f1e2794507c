"""A request for records, with every default filled in; knows nothing of JSON or HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from charrnn.patterns.compiling import Pattern
from charrnn.sampling import SamplingParams

DEFAULT_LENGTH: Final = 1000
"""How many tokens a record has at most by default; it ends by itself, mostly long before."""


@dataclass(frozen=True, slots=True)
class RecordsRequest:
    """A valid request for `count` records: `model` as `name`, `name@3` or `name@alias`; `seed` None lets the server
    draw one.

    Candidate j is the text with the seed `seed + j` (`sampling.seed` is ignored); the first one is number `offset`.
    Those that are not `unique` among the given ones, or not `novel` but in the training data, are passed over.
    """

    model: str
    count: int
    prompt: str = ""
    label: str | None = None
    pattern: Pattern | None = None
    """What each record has to fit, without the prompt."""
    length: int = DEFAULT_LENGTH
    seed: int | None = None
    sampling: SamplingParams = field(default_factory=SamplingParams)
    unique: bool = False
    novel: bool = False
    offset: int = 0
    skip_unknown: bool = False


@dataclass(frozen=True, slots=True)
class GeneratedRecords:
    """Some of the records in their order, each of which can be reproduced alone from its seed. Lists, because there may
    be a hundred thousand records in a second."""

    texts: list[str]
    seeds: list[int]
    cut_off: frozenset[int]
    """The indices in `texts` of records without an end: they have as many tokens as they may."""

    def __len__(self) -> int:
        return len(self.texts)
