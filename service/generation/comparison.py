"""Compares models: which of them is likeliest to have written a text; knows no HTTP."""

from __future__ import annotations

import math
from collections.abc import Sequence as Items
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from charrnn.engine.base import Output, Sequence
from charrnn.tasks.task import joined
from charrnn.vocabulary import Ids, UnknownCharactersError
from service.generation.cancellation import NO_CLIENT, CancelScope, Client
from service.generation.errors import ItemError
from service.generation.reading import outputs_of
from service.generation.resident import ResidentModel, ResidentModels
from service.generation.scheduling.scheduler import Scheduler
from service.generation.tasks import check_task


class UnknownToModelError(UnknownCharactersError):
    """One of the models does not know some of a text's characters; the message names it."""

    def __init__(self, model: ResidentModel, error: UnknownCharactersError) -> None:
        ValueError.__init__(self, f"{model.name} version {model.version} cannot read it: {error}")
        self.unknown = error.unknown


@dataclass(frozen=True, slots=True)
class Comparison:
    """Of a text, by model: the probability that this model wrote it, if each was as likely to write as any other, and
    the bits per character that the model needs for it; None for a text without characters."""

    probabilities: Items[float]
    bits_per_character: Items[float | None]


class Comparer:
    """Compares models with the scheduler, all texts of a request under all models together, within `timeout` seconds.

    What is compared is the log-probability of the whole text, its first token included, after the start of a record or,
    in an endless text, after what is read in place of an empty prompt. If all models are of records it is that of the
    text as a record, with its end; otherwise that of a text which begins like this. Raises WrongTaskError for a model
    of another task than generating, ItemError for a fault in one of the texts, and what TextGenerator raises.
    """

    def __init__(self, models: ResidentModels, scheduler: Scheduler, timeout: float | None = None) -> None:
        self._models = models
        self._scheduler = scheduler
        self._timeout = timeout

    def compare(self, references: Items[str], texts: Items[str], client: Client = NO_CLIENT) -> list[Comparison]:
        """The comparison for each of the texts."""
        models = [self._models.get(reference) for reference in references]
        for model in models:
            check_task(model, "generate")
            for index, text in enumerate(texts):
                _read(model, index, text)
        with_end = not any(model.arrangement.is_text for model in models)
        scope = CancelScope(client, self._timeout)
        # Engines share no work, so that nothing is lost when one model after the other reads all texts.
        logprobs = np.array([self._logprobs(model, texts, with_end, scope) for model in models], dtype=np.float64)
        return [_comparison(of_text, len(text) + with_end) for of_text, text in zip(logprobs.T, texts, strict=True)]

    def _logprobs(self, model: ResidentModel, texts: Items[str], with_end: bool, scope: CancelScope) -> list[float]:
        """The log-probability of each text under a model."""
        end_id = model.vocabulary.end_id
        ends = [end_id] if with_end and end_id is not None else []
        read = [joined(_read(model, index, text), *ends) for index, text in enumerate(texts)]
        sequences = [(model.engine, Sequence(ids, 0, score=True)) for ids in read]
        return list(map(_logprob, outputs_of(self._scheduler, sequences, scope)))


def _read(model: ResidentModel, index: int, text: str) -> Ids:
    """What the model reads of a text; every id but the first counts. Raises ItemError."""
    try:
        return joined(model.vocabulary.start_id, model.vocabulary.encode(text))
    except UnknownCharactersError as error:
        raise ItemError("texts", index, UnknownToModelError(model, error)) from error


def _logprob(outputs: Items[Output]) -> float:
    (found,) = (output.prompt_logprobs for output in outputs if output.prompt_logprobs is not None)
    return math.fsum(found.chosen[1:].tolist())


def _comparison(logprobs: npt.NDArray[np.float64], characters: int) -> Comparison:
    """The posterior of equal priors, for the logarithm of each model's likelihood, [models]. The largest is taken out
    first, so that nothing overflows."""
    likelihoods = np.exp(logprobs - logprobs.max())
    posterior: list[float] = (likelihoods / likelihoods.sum()).tolist()
    bits = [-each / math.log(2) / characters if characters else None for each in logprobs.tolist()]
    return Comparison(posterior, bits)
