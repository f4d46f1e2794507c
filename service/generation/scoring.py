"""Scores texts: the log-probability of each token under a version, the same numbers as generating the text would
report."""

from __future__ import annotations

import math
from collections.abc import Callable
from collections.abc import Sequence as Items
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from charrnn.engine.base import Output, Sequence
from charrnn.held_out_scores import HeldOutScores
from charrnn.sampling import SamplingParams
from charrnn.surprise import Threshold, surprising
from charrnn.vocabulary import Ids
from service.generation.cancellation import NO_CLIENT, CancelScope, Client
from service.generation.errors import ReplyTooLargeError
from service.generation.logprobs import TextLogprobs
from service.generation.reading import encoded, ids_of, outputs_of
from service.generation.resident import ResidentModel, ResidentModels
from service.generation.scheduling.scheduler import Scheduler
from service.generation.tasks import check_task

LARGEST_EXPONENT: Final = 700.0
"""e to the power of more than this overflows a double."""


@dataclass(frozen=True, slots=True)
class SurprisingSpan:
    """Characters of a text, from `start` to `stop`, with more bits than usual; empty for a record's end."""

    start: int
    stop: int
    bits: float


@dataclass(frozen=True, eq=False, slots=True)
class Score:
    """A text under a version: `logprobs` of its tokens. The first of an endless text follows nothing; the last of a
    record is its end, which counts as a token and a character, but has no text."""

    logprobs: TextLogprobs

    @property
    def bits(self) -> npt.NDArray[np.float64]:
        """The surprisal of each token that follows something, [n]."""
        chosen = self.logprobs.logprobs.chosen.astype(np.float64)
        return -chosen[self._first :] / math.log(2)

    @property
    def total(self) -> float:
        """The bits of all of these tokens together."""
        return math.fsum(self.bits)

    @property
    def bits_per_character(self) -> float | None:
        """The bits of these tokens, divided by their characters; None if there are none."""
        characters = int(self._lengths[self._first :].sum())
        return self.total / characters if characters else None

    @property
    def perplexity(self) -> float | None:
        """e to the power of the mean negative log-probability of these tokens; None if there are none, or if it
        overflows."""
        bits = self.bits
        nats = math.fsum(bits) * math.log(2) / bits.size if bits.size else math.inf
        return math.exp(nats) if nats <= LARGEST_EXPONENT else None

    def surprising(self, threshold: Threshold) -> list[SurprisingSpan]:
        """The spans that stand out, in the order of the text."""
        bits, ends = self.bits, np.append(0, np.cumsum(self.logprobs.lengths()))[self._first :].tolist()
        return [
            SurprisingSpan(ends[span.start], ends[span.stop], float(bits[span.start : span.stop].sum()))
            for span in surprising(bits, threshold)
        ]

    @property
    def _first(self) -> int:
        """The first token that follows something."""
        chosen = self.logprobs.logprobs.chosen
        return int(chosen.size > 0 and np.isnan(chosen[0]))

    @property
    def _lengths(self) -> npt.NDArray[np.int64]:
        return np.maximum(self.logprobs.lengths(), 1)  # every token has a character, and an end counts as one


@dataclass(frozen=True, eq=False, slots=True)
class Scores:
    """Texts under a version, and how it finds the records that were held out from its training, if that is known."""

    model: str
    version: int
    scores: tuple[Score, ...]
    held_out: HeldOutScores | None = None

    def percentile(self, score: Score) -> float | None:
        """The share of the held-out records, 0 to 1, that the version finds likelier per character."""
        rate = score.bits_per_character
        return None if self.held_out is None or rate is None else self.held_out.percentile(rate)

    def surprising(self, score: Score) -> list[SurprisingSpan]:
        """The spans of a text that stand out against the held-out records."""
        return score.surprising(Threshold() if self.held_out is None else self.held_out.threshold)


class Scorer:
    """Scores texts with the scheduler, like sequences that are being generated; those of one request share `timeout`
    seconds and `max_values` log-probabilities. `held_out` finds what is known of a version's held-out records.

    Raises WrongTaskError for a model of another task than generating, and what TextGenerator raises.
    """

    def __init__(
        self,
        models: ResidentModels,
        scheduler: Scheduler,
        timeout: float | None = None,
        *,
        max_values: int | None = None,
        held_out: Callable[[str, int], HeldOutScores | None] = lambda *_: None,
    ) -> None:
        self._models = models
        self._scheduler = scheduler
        self._timeout = timeout
        self._max_values = max_values
        self._held_out = held_out

    def score(self, reference: str, text: str, client: Client = NO_CLIENT) -> Scores:
        """The log-probability of every token, given those before it."""
        model = self._model(reference)
        return self._scores(model, [ids_of(model, text)], None, client)

    def score_all(
        self, reference: str, texts: Items[str], logprobs: int | None = None, client: Client = NO_CLIENT
    ) -> Scores:
        """The same for several texts, read together; with `logprobs`, also of so many of the likeliest tokens. A fault
        in one of them raises ItemError, and nothing is computed."""
        model = self._model(reference)
        ids = encoded(model, texts)
        if logprobs is not None and self._max_values is not None:
            size = sum(each.size for each in ids) * (1 + logprobs)
            if size > self._max_values:
                raise ReplyTooLargeError(self._max_values, size, "logprobs", "tokens of all texts x (1 + logprobs)")
        return self._scores(model, ids, logprobs, client)

    def _model(self, reference: str) -> ResidentModel:
        model = self._models.get(reference)
        check_task(model, "generate")
        return model

    def _scores(self, model: ResidentModel, texts: Items[Ids], top: int | None, client: Client) -> Scores:
        read = [model.arrangement.scored(ids, model.vocabulary) for ids in texts]
        sampling = SamplingParams(temperature=0, logprobs=top)
        sequences = [(model.engine, Sequence(ids, 0, sampling, score=True)) for ids in read if ids.size]
        found = iter(outputs_of(self._scheduler, sequences, CancelScope(client, self._timeout)))
        scores = tuple(_score(model, ids, next(found) if ids.size else []) for ids in read)
        return Scores(model.name, model.version, scores, self._held_out(model.name, model.version))


def _score(model: ResidentModel, read: Ids, outputs: Items[Output]) -> Score:
    """The score of what was read; a record's start is no token of it."""
    scored = [(read, each.prompt_logprobs) for each in outputs if each.prompt_logprobs is not None]
    logprobs = TextLogprobs.joined(model.vocabulary, scored)
    return Score(logprobs if model.arrangement.is_text else logprobs[1:])
