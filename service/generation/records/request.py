"""A request for records, with every default filled in; knows nothing of JSON or HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from charrnn.sampling import SamplingParams

DEFAULT_LENGTH: Final = 1000
"""How many tokens a record has at most by default."""


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
    length: int = DEFAULT_LENGTH
    seed: int | None = None
    sampling: SamplingParams = field(default_factory=SamplingParams)
    unique: bool = False
    novel: bool = False
    offset: int = 0
    skip_unknown: bool = False


class GeneratedRecord(NamedTuple):
    """A record, which can be reproduced alone from its `seed`; one that has not `ended` was cut off at `length`."""

    text: str
    seed: int
    ended: bool
