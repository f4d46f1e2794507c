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
from charrnn.tasks.arrangement import TEXT, Arrangement, Reading
from charrnn.vocabulary import Ids, Vocabulary

MIN_TOKENS: Final = 2_000
"""In fewer tokens, hardly anything occurs often enough to be distinguished from chance."""

MAX_CHARACTERS: Final = 40_000
MAX_VALUES: Final = 40_000_000
"""The maximum number of state values in memory: for large networks the text is shorter."""


class TooShortError(ValueError):
    """The text, or all records together, have too few tokens for a search."""


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
    texts: Sequence[Ids],
    *,
    arrangement: Arrangement = TEXT,
    held_out: bool,
    check: Callable[[], None] = lambda: None,
    annotators: Sequence[Annotator] = ANNOTATORS,
) -> Survey:
    """Search along the texts [n], at least one token each: an endless one, or the records of a network with this
    `arrangement`, each read and labelled by itself. `check` is called many times a second and may raise to stop the
    search.

    Raises TooShortError for fewer than MIN_TOKENS tokens together.
    """
    count = sum(map(len, texts))
    if count < MIN_TOKENS:
        raise TooShortError(f"at least {MIN_TOKENS} tokens are needed to tell what cells follow, not {count}")
    tokens = [vocabulary.tokens_of(ids) for ids in texts]
    labelled, not_found = _searchable([(each, labels_of_texts(each, tokens)) for each in annotators])
    readings = [arrangement.reading(ids, vocabulary) for ids in texts]
    findings, missing = search(labelled, _states(engine, readings, check), check) if labelled else ([], [])
    characters = sum(len(token) for text in tokens for token in text)
    return Survey(characters, held_out, tuple(findings), (*missing, *not_found))


def labels_of_texts(annotator: Annotator, texts: Sequence[Sequence[str]]) -> Labels | None:
    """The labels of the tokens of all texts, each labelled by itself; None if the annotator applies to none of them."""
    found = [labels_of_tokens(annotator, tokens) for tokens in texts]
    known = next((labels for labels in found if labels is not None), None)
    if known is None:
        return None
    labels: Labels = np.concatenate(
        [
            np.zeros(len(tokens), known.dtype) if each is None else each
            for each, tokens in zip(found, texts, strict=True)
        ]
    )
    return labels


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


def _states(engine: Engine, readings: Sequence[Reading], check: Callable[[], None]) -> Floats:
    """[n, layers, state_parts, hidden_size], after reading each token of each text."""
    states: Floats = np.empty(0, dtype=np.float32)
    total, stored, batch = sum(reading.count for reading in readings), 0, engine.batch(1)
    for reading in readings:
        left_out = reading.first
        for piece in pieces(engine, reading.ids[: reading.first + reading.count], top=1, batch=batch):
            check()
            found = piece.states[left_out:]
            left_out = max(0, left_out - len(piece.states))
            if not stored:
                states = np.empty((total, *found.shape[1:]), dtype=np.float32)
            states[stored : stored + len(found)] = found
            stored += len(found)
    return states
