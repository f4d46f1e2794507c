"""The trace of a text, and how it is built from the pieces of an engine's trace."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from charrnn.engine.tracing import Trace
from charrnn.tasks.arrangement import Reading
from service.generation.requests import Skipped
from service.generation.resident import ResidentModel
from service.generation.units.selection import UnitId, indices

TOP: Final = 5
"""How many of the likeliest tokens a trace has at each position."""

Likeliest = tuple[tuple[str, float], ...]


@dataclass(frozen=True, eq=False, slots=True)
class TextTrace:
    """A version reading n tokens.

    `surprisal` of each token is in bits; None for the first of an endless text, which follows nothing, and where tokens
    are only read. `top` has the tokens likeliest to follow each token with their probabilities, best first, "" for the
    end of a record; the likeliest labels of each token, if the version writes labels; nothing in a record that is to be
    turned into another. `values` [cells, n] float32 are the states of
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
    is_scored: bool = True
    """Whether tokens have a surprisal."""


def in_a_row(traces: Sequence[TextTrace], separator: str) -> TextTrace:
    """The traces of one version's records as one text, with the separator in place of their ends."""
    first = traces[0]
    return TextTrace(
        first.model,
        first.version,
        [token or separator for each in traces for token in each.tokens],
        tuple(bits for each in traces for bits in each.surprisal),
        tuple(top for each in traces for top in each.top),
        first.cells,
        np.concatenate([each.values for each in traces], axis=1),
    )


class TraceBuilder:
    """Builds a TextTrace from the pieces of an engine's trace."""

    def __init__(self, model: ResidentModel, units: list[UnitId]) -> None:
        self._model, self._units = model, units
        self._indices = indices(units)
        self._values: list[npt.NDArray[np.float32]] = []
        self._logprobs: list[npt.NDArray[np.float32]] = []
        self._top_ids: list[npt.NDArray[np.int32]] = []
        self._tops: list[npt.NDArray[np.float32]] = []
        self.top = TOP + (model.vocabulary.unknown_id is not None)
        """How many of the likeliest tokens to ask the engine for: the token for unknown words is omitted, because it is
        never generated."""

    def take(self, piece: Trace) -> None:
        """Add a piece."""
        self._values.append(piece.states[(slice(None), *self._indices)])
        self._logprobs.append(piece.logprobs)
        self._top_ids.append(piece.top_ids)
        self._tops.append(piece.top)

    def result(self, reading: Reading) -> TextTrace:
        """The trace of the text's tokens in what was read."""
        model, part = self._model, slice(reading.first, reading.first + reading.count)
        is_scored = not model.arrangement.writes_labels and reading.offset is not None
        return TextTrace(
            model.name,
            model.version,
            model.vocabulary.tokens_of(reading.ids[part]),
            self._surprisal(part) if is_scored else (None,) * reading.count,
            self._likeliest(reading),
            tuple(self._units),
            np.ascontiguousarray(np.concatenate(self._values)[part].T),
            is_scored=is_scored,
        )

    def _surprisal(self, part: slice) -> tuple[float | None, ...]:
        return tuple(map(_bits, np.concatenate(self._logprobs)[part].tolist()))

    def _likeliest(self, reading: Reading) -> tuple[Likeliest, ...]:
        """What the network says of each token."""
        if reading.offset is None:
            return ((),) * reading.count
        first = reading.first + reading.offset
        ids = np.concatenate(self._top_ids)[first : first + reading.count]
        probabilities = np.exp(np.concatenate(self._tops)[first : first + reading.count].astype(np.float64))
        return tuple(map(self._named, ids.tolist(), probabilities.tolist()))

    def _named(self, ids: list[int], probabilities: list[float]) -> Likeliest:
        vocabulary, labels = self._model.vocabulary, self._model.arrangement.labels
        if self._model.arrangement.writes_labels:
            return tuple((labels[id_], p) for id_, p in zip(ids, probabilities, strict=True))[:TOP]
        found = zip(vocabulary.tokens_of(ids), ids, probabilities, strict=True)
        return tuple((token, p) for token, id_, p in found if id_ != vocabulary.unknown_id)[:TOP]


def _bits(logprob: float) -> float | None:
    """A log-probability as surprisal in bits; 0.0 rather than -0.0 for a probability of 1."""
    return None if math.isnan(logprob) else -logprob / math.log(2) + 0.0
