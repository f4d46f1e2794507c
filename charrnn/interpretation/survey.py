"""Searches for what a network's units follow along a text: combines labels, the engine's states and the search; knows
no files."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from charrnn.config import ModelConfig
from charrnn.engine.base import Engine
from charrnn.interpretation.annotators import ANNOTATORS
from charrnn.interpretation.labels import Annotator, Labels
from charrnn.interpretation.reading import Kept, Positions, kept_of, states_of
from charrnn.interpretation.search import Labelled, reason_to_skip, search
from charrnn.interpretation.verdict import Finding, Missing, Verdicts
from charrnn.tasks.arrangement import TEXT, Arrangement
from charrnn.vocabulary import Ids, Vocabulary

MIN_TOKENS: Final = 2_000
"""In fewer tokens, hardly anything occurs often enough to be distinguished from chance."""

MAX_CHARACTERS: Final = 320_000
"""As many as it takes until chance is low even for what is rare, such as the quotations of a book."""

MAX_WORK: Final = 500_000_000_000
"""The maximum number of multiplications: for large networks the text is shorter."""

MAX_KEPT: Final = 20_000
MAX_VALUES: Final = 40_000_000
"""The maximum numbers of states, and of their values, in memory."""


class TooShortError(ValueError):
    """The text, or all records together, have too few tokens for a search."""


@dataclass(frozen=True, slots=True)
class UnitSurvey:
    """The result: how many `characters` were searched, whether they are known to have been held out of training, what
    was found, what no unit follows, and what is undecided."""

    characters: int
    held_out: bool
    cells: tuple[Finding, ...]
    not_found: tuple[Missing, ...]
    undecided: tuple[Missing, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "measured_on": {"characters": self.characters, "held_out": self.held_out},
            "cells": [asdict(each) for each in self.cells],
            "not_found": [asdict(each) for each in self.not_found],
            "undecided": [asdict(each) for each in self.undecided],
        }


def most_characters(config: ModelConfig) -> int:
    """How many characters of a text are searched."""
    weights = sum(math.prod(shape) for name, shape in config.shapes().items() if name.startswith("rnn"))
    return max(MIN_TOKENS, min(MAX_CHARACTERS, MAX_WORK // weights))


def survey(
    engine: Engine,
    config: ModelConfig,
    vocabulary: Vocabulary,
    texts: Sequence[Ids],
    *,
    arrangement: Arrangement = TEXT,
    held_out: bool,
    check: Callable[[], None] = lambda: None,
    annotators: Sequence[Annotator] = ANNOTATORS,
) -> UnitSurvey:
    """Search the units of a network with this `config` along the texts [n], at least one token each: passages of an
    endless one, or the records of a network with this `arrangement`, each read and labelled by itself. `check` is
    called many times a second and may raise to stop the search.

    Raises TooShortError for fewer than MIN_TOKENS tokens together.
    """
    count = sum(map(len, texts))
    if count < MIN_TOKENS:
        raise TooShortError(f"at least {MIN_TOKENS} tokens are needed to tell what cells follow, not {count}")
    tokens = [vocabulary.tokens_of(ids) for ids in texts]
    kept = kept_of([arrangement.reading(ids, vocabulary) for ids in texts], _most_kept(config))
    labelled, undecided = _searchable(_labels(annotators, tokens, check), _places(kept))
    found = search(labelled, states_of(engine, kept, check), check) if labelled else Verdicts()
    characters = sum(len(token) for text in tokens for token in text)
    return UnitSurvey(characters, held_out, found.findings, found.missing, (*found.undecided, *undecided))


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


def _labels(
    annotators: Sequence[Annotator], texts: Sequence[Sequence[str]], check: Callable[[], None]
) -> Iterator[tuple[Annotator, Labels | None]]:
    for annotator in annotators:
        check()
        yield annotator, labels_of_texts(annotator, texts)


def _most_kept(config: ModelConfig) -> int:
    return max(MIN_TOKENS, min(MAX_KEPT, MAX_VALUES // math.prod(config.state_shape)))


def _places(kept: Sequence[Kept]) -> Positions:
    """After which tokens of all texts together the state is kept."""
    begins = np.cumsum([0, *(each.reading.count for each in kept)])
    return np.concatenate([begin + each.tokens for begin, each in zip(begins, kept, strict=False)])


def _searchable(
    labelled: Iterable[tuple[Annotator, Labels | None]], places: Positions
) -> tuple[list[Labelled], list[Missing]]:
    """The labels that can be searched for in this text, at these places, and those that cannot."""
    good: list[Labelled] = []
    bad: list[Missing] = []
    for annotator, labels in labelled:
        reason = "does not apply to this text" if labels is None else reason_to_skip(labels[places])
        if labels is None or reason is not None:
            bad.append(Missing(annotator.slug, annotator.name, None, None, str(reason)))
        else:
            good.append((annotator, labels[places]))
    return good, bad
