"""Text to a version's ids and back, without generating; knows nothing of JSON or HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from charrnn.vocabulary import Ids
from service.generation.resident import ResidentModel, ResidentModels


class UnknownIdsError(ValueError):
    """An id is outside the vocabulary; the message names the bound and the value."""


@dataclass(frozen=True, eq=False, slots=True)
class Tokens:
    """A text as one version reads it: `ids` [n], the text of each in `tokens` [n], and what was `skipped` of the given
    text as (position, what is unknown)."""

    model: str
    version: int
    ids: Ids
    tokens: Sequence[str]
    skipped: tuple[tuple[int, str], ...] = ()


class Tokenizer:
    """Reads and writes ids with the vocabulary of any version."""

    def __init__(self, models: ResidentModels) -> None:
        self._models = models

    def encode(self, reference: str, text: str, *, skip_unknown: bool = False) -> Tokens:
        """The ids of the text. Raises UnknownCharactersError, and the errors of `ResidentModels.get`."""
        model = self._models.get(reference)
        ids, skipped = model.vocabulary.encode_known(text) if skip_unknown else (model.vocabulary.encode(text), [])
        return _tokens(model, ids, tuple(skipped))

    def decode(self, reference: str, ids: Sequence[int]) -> Tokens:
        """The text of the ids. Raises UnknownIdsError, and the errors of `ResidentModels.get`."""
        model = self._models.get(reference)
        wrong = next((id_ for id_ in ids if not 0 <= id_ < len(model.vocabulary)), None)
        if wrong is not None:
            raise UnknownIdsError(f"ids of {model.name} are from 0 to {len(model.vocabulary) - 1}, not {wrong}")
        return _tokens(model, np.array(ids, dtype=np.int32))


def _tokens(model: ResidentModel, ids: Ids, skipped: tuple[tuple[int, str], ...] = ()) -> Tokens:
    return Tokens(model.name, model.version, ids, model.vocabulary.tokens_of(ids), skipped)
