"""What can be fuzzed, by name, and how many cases the long form tries."""

from __future__ import annotations

from typing import Final, NamedTuple

from tests.fuzz import bodies, checkpoints, corpora, guards, headers, json_schemas, patterns, tokens
from tests.fuzz.cases import Target


class Fuzzed(NamedTuple):
    """A target, and how many cases the long form has."""

    target: Target
    cases: int


TARGETS: Final = {
    "checkpoints": Fuzzed(checkpoints.served, 10_000),
    "guards": Fuzzed(guards.guarded, 3_000),
    "uploads": Fuzzed(corpora.uploads, 5_000),
    "lines": Fuzzed(corpora.long_lines, 6),
    "patterns": Fuzzed(patterns.compiled, 10_000),
    "json_schemas": Fuzzed(json_schemas.compiled, 10_000),
    "tokens": Fuzzed(tokens.handed_back, 10_000),
    "bodies": Fuzzed(bodies.answered, 10_000),
    "headers": Fuzzed(headers.answered, 5_000),
}
