"""Searches for what a network's units follow along a text: combines labels, the engine's states and the search; knows
no files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from charrnn.config import ModelConfig
from charrnn.engine.base import Engine
from charrnn.engine.tracing import pieces
from charrnn.interpretation.annotators import ANNOTATORS
from charrnn.interpretation.labels import Annotator, Labels
from charrnn.interpretation.search import Finding, Labelled, Missing, reason_to_skip, search
from charrnn.interpretation.strength import Floats
from charrnn.vocabulary import Ids, Vocabulary

MIN_TOKENS: Final = 2_000
"""In fewer tokens, hardly anything occurs often enough to be distinguished from chance."""

MAX_CHARACTERS: Final = 40_000
MAX_VALUES: Final = 40_000_000
"""The maximum number of state values in memory: for large networks the text is shorter."""


class TooShortError(ValueError):
    """The text has too few tokens for a search."""


@dataclass(frozen=True, slots=True)
class Survey:
    """The result: how many `characters` were searched, whether they are known to have been held out of training, and
    what was found."""

    characters: int
    held_out: bool
    cells: tuple[Finding, ...]
    not_found: tuple[Missing, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "measured_on": {"characters": self.characters, "held_out": self.held_out},
            "cells": [asdict(each) for each in self.cells],
            "not_found": [asdict(each) for each in self.not_found],
        }


def most_characters(config: ModelConfig) -> int:
    """How many characters of a text are searched."""
    return max(MIN_TOKENS, min(MAX_CHARACTERS, MAX_VALUES // int(np.prod(config.state_shape))))


def survey(
    engine: Engine,
    vocabulary: Vocabulary,
    ids: Ids,
    *,
    held_out: bool,
    check: Callable[[], None] = lambda: None,
    annotators: Sequence[Annotator] = ANNOTATORS,
) -> Survey:
    """Search along the ids [n]; `check` is called many times a second and may raise to stop the search.

    Raises TooShortError for fewer than MIN_TOKENS ids.
    """
    if len(ids) < MIN_TOKENS:
        raise TooShortError(f"at least {MIN_TOKENS} tokens are needed to tell what cells follow, not {len(ids)}")
    tokens = vocabulary.tokens_of(ids)
    labelled, not_found = _searchable([(each, labels_of_tokens(each, tokens)) for each in annotators])
    findings, missing = search(labelled, _states(engine, ids, check), check) if labelled else ([], [])
    return Survey(sum(map(len, tokens)), held_out, tuple(findings), (*missing, *not_found))


def labels_of_tokens(annotator: Annotator, tokens: Sequence[str]) -> Labels | None:
    """A label for each token, that of its last character, which holds after the token has been read."""
    labels = annotator.label("".join(tokens))
    if labels is None or len(labels) == len(tokens):
        return labels
    ends = np.cumsum([len(token) for token in tokens]) - 1
    taken: Labels = labels[ends]
    return taken


def _searchable(
    labelled: list[tuple[Annotator, Labels | None]],
) -> tuple[list[Labelled], list[Missing]]:
    """The labels that can be searched for in this text, and those that cannot."""
    good: list[Labelled] = []
    bad: list[Missing] = []
    for annotator, labels in labelled:
        reason = "does not apply to this text" if labels is None else reason_to_skip(labels)
        if labels is None or reason is not None:
            bad.append(Missing(annotator.slug, annotator.name, None, None, str(reason)))
        else:
            good.append((annotator, labels))
    return good, bad


def _states(engine: Engine, ids: Ids, check: Callable[[], None]) -> Floats:
    """[n, layers, state_parts, hidden_size], after reading each id."""
    states: Floats = np.empty(0, dtype=np.float32)
    read = 0
    for piece in pieces(engine, ids, top=1):
        check()
        if not read:
            states = np.empty((len(ids), *piece.states.shape[1:]), dtype=np.float32)
        states[read : read + len(piece.states)] = piece.states
        read += len(piece.states)
    return states
