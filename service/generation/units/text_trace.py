"""The trace of a text, and how it is built from the pieces of an engine's trace."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from charrnn.engine.tracing import Trace
from charrnn.vocabulary import Ids
from service.generation.requests import Skipped
from service.generation.resident import ResidentModel
from service.generation.units.selection import UnitId, indices

TOP: Final = 5
"""How many of the likeliest tokens a trace has at each position."""

Likeliest = tuple[tuple[str, float], ...]


@dataclass(frozen=True, eq=False, slots=True)
class TextTrace:
    """A version reading n tokens.

    `surprisal` of each token is in bits; None for the first of a text, which follows nothing. `top` has the tokens
    likeliest to follow each token with their probabilities, best first. `values` [cells, n] float32 are the states of
    the units `cells` after each token. `skipped` lists what the version does not know, as (position, character).
    """

    model: str
    version: int
    tokens: Sequence[str]
    surprisal: tuple[float | None, ...]
    top: tuple[Likeliest, ...]
    cells: tuple[UnitId, ...]
    values: npt.NDArray[np.float32]
    skipped: Skipped = ()


class TraceBuilder:
    """Builds a TextTrace from the pieces of an engine's trace."""

    def __init__(self, model: ResidentModel, units: list[UnitId]) -> None:
        self._model, self._units = model, units
        self._indices = indices(units)
        self._surprisal: list[float | None] = []
        self._top: list[Likeliest] = []
        self._values: list[npt.NDArray[np.float32]] = []
        self.top = TOP + (model.vocabulary.unknown_id is not None)
        """How many of the likeliest tokens to ask the engine for: the token for unknown words is omitted, because it is
        never generated."""

    def take(self, piece: Trace, first: int) -> None:
        """Add a piece's tokens from number `first` on."""
        layers, parts, units = self._indices
        self._values.append(piece.states[first:, layers, parts, units])
        self._surprisal += map(_bits, piece.logprobs[first:].tolist())
        ids, probabilities = piece.top_ids[first:].tolist(), np.exp(piece.top[first:].astype(np.float64)).tolist()
        self._top += map(self._likeliest, ids, probabilities)

    def result(self, ids: Ids) -> TextTrace:
        """The trace of the last of the ids, as many as were kept."""
        model, n = self._model, len(self._surprisal)
        return TextTrace(
            model.name,
            model.version,
            model.vocabulary.tokens_of(ids[len(ids) - n :]),
            tuple(self._surprisal),
            tuple(self._top),
            tuple(self._units),
            np.ascontiguousarray(np.concatenate(self._values).T),
        )

    def _likeliest(self, ids: list[int], probabilities: list[float]) -> Likeliest:
        vocabulary = self._model.vocabulary
        found = zip(vocabulary.tokens_of(ids), ids, probabilities, strict=True)
        return tuple((token, p) for token, id_, p in found if id_ != vocabulary.unknown_id)[:TOP]


def _bits(logprob: float) -> float | None:
    """A log-probability as surprisal in bits; 0.0 rather than -0.0 for a probability of 1."""
    return None if math.isnan(logprob) else -logprob / math.log(2) + 0.0
