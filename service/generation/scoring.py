"""Scores texts: the log-probability of each token under a version, the same numbers as generating the text would
report."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence as Items
from dataclasses import dataclass
from typing import Final

import numpy as np

from charrnn.engine.base import Output, Sequence
from charrnn.vocabulary import Ids
from service.generation.cancellation import NO_CLIENT, CancelScope, Client
from service.generation.resident import ResidentModel, ResidentModels
from service.generation.scheduling.scheduled import ScheduledSequence
from service.generation.scheduling.scheduler import Scheduler

LARGEST_EXPONENT: Final = 700.0
"""e to the power of more than this overflows a double."""


@dataclass(frozen=True, slots=True)
class Score:
    """A text under a version: its `tokens`, and the natural logarithm of the probability of each; None for the first,
    which follows nothing."""

    model: str
    version: int
    characters: int
    tokens: Items[str]
    logprobs: tuple[float | None, ...]

    @property
    def bits_per_character(self) -> float | None:
        """The bits of the tokens after the first, divided by their characters; None if there are none."""
        scored = self.characters - len(self.tokens[0]) if self.tokens else 0
        return self._nats() / math.log(2) / scored if scored else None

    @property
    def perplexity(self) -> float | None:
        """e to the power of the mean negative log-probability of the tokens after the first; None if there are none, or
        if it overflows."""
        nats = self._nats() / (len(self.tokens) - 1) if len(self.tokens) > 1 else math.inf
        return math.exp(nats) if nats <= LARGEST_EXPONENT else None

    def _nats(self) -> float:
        return -math.fsum(logprob for logprob in self.logprobs if logprob is not None)


class Scorer:
    """Scores texts with the scheduler, like sequences that are being generated, each within `timeout` seconds.

    Raises what TextGenerator raises.
    """

    def __init__(self, models: ResidentModels, scheduler: Scheduler, timeout: float | None = None) -> None:
        self._models = models
        self._scheduler = scheduler
        self._timeout = timeout

    def score(self, reference: str, text: str, client: Client = NO_CLIENT) -> Score:
        """The log-probability of every token, given those before it."""
        model = self._models.get(reference)
        ids = model.vocabulary.encode(text)
        logprobs = self._logprobs(model, ids, client) if ids.size else ()
        return Score(model.name, model.version, len(text), model.vocabulary.tokens_of(ids), logprobs)

    def _logprobs(self, model: ResidentModel, ids: Ids, client: Client) -> tuple[float | None, ...]:
        wake, outputs = threading.Event(), list[Output]()
        scheduled = ScheduledSequence(Sequence(ids, length=0, score=True), outputs.append, wake)
        self._scheduler.submit(model.engine, [scheduled])
        scope = CancelScope(client, self._timeout)
        try:
            while not scheduled.done:
                scope.wait(wake)
        finally:
            scheduled.cancel()
        if scheduled.error is not None:
            raise scheduled.error
        found = next(output.prompt_logprobs for output in outputs if output.prompt_logprobs is not None)
        return tuple(None if np.isnan(chosen) else float(chosen) for chosen in found.chosen)
