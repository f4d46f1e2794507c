"""Converts text to a version's ids and back; knows nothing of JSON or HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from charrnn.vocabulary import Ids
from service.generation.requests import Prompt, Skipped
from service.generation.resident import ResidentModel, ResidentModels
from service.generation.tasks import check_record


class UnknownIdsError(ValueError):
    """An id is outside the vocabulary; the message names the bound and the value."""


@dataclass(frozen=True, eq=False, slots=True)
class Tokens:
    """A tokenized text: `ids` [n], the text of each in `tokens` [n], and the `skipped` unknown characters or words as
    (position, text)."""

    model: str
    version: int
    ids: Ids
    tokens: Sequence[str]
    skipped: Skipped = ()


class Tokenizer:
    """Encodes and decodes with the vocabulary of any version."""

    def __init__(self, models: ResidentModels) -> None:
        self._models = models

    def encode(self, reference: str, text: str, *, skip_unknown: bool = False) -> Tokens:
        """The ids of the text. Raises UnknownCharactersError, and the errors of `ResidentModels.get`."""
        model = self._models.get(reference)
        ids, skipped = read(model, text, skip_unknown)
        return Tokens(model.name, model.version, ids, model.vocabulary.tokens_of(ids), skipped)

    def decode(self, reference: str, ids: Sequence[int]) -> Tokens:
        """The text of the ids. Raises UnknownIdsError, and the errors of `ResidentModels.get`."""
        model = self._models.get(reference)
        known = checked(model, ids, len(model.vocabulary))  # the end of a record too, which a text cannot spell
        return Tokens(model.name, model.version, known, model.vocabulary.tokens_of(known))


def read(model: ResidentModel, prompt: Prompt, skip_unknown: bool = False) -> tuple[Ids, Skipped]:
    """The ids of a text, or the given ids, and what was skipped. Raises SeparatorError,
    UnknownCharactersError, UnknownIdsError."""
    if not isinstance(prompt, str):
        return checked(model, prompt, model.vocabulary.text_size), ()
    check_record(model, prompt)
    if not skip_unknown:
        return model.vocabulary.encode(prompt), ()
    ids, skipped = model.vocabulary.encode_known(prompt)
    return ids, tuple(skipped)


def checked(model: ResidentModel, ids: Sequence[int], size: int) -> Ids:
    """The ids, after checking that they are below `size`. Raises UnknownIdsError."""
    wrong = next((id_ for id_ in ids if not 0 <= id_ < size), None)
    if wrong is not None:
        raise UnknownIdsError(f"ids of {model.name} are from 0 to {size - 1}, not {wrong}")
    return np.array(ids, dtype=np.int32)
