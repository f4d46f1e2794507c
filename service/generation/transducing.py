"""Turns records into others, greedily or with a beam search; knows no HTTP."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from collections.abc import Sequence as Items
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, TypeVar

from charrnn.beams import BeamSearch, Hypothesis
from charrnn.engine.base import Output, Sequence
from charrnn.sampling import SamplingParams
from charrnn.vocabulary import Ids
from service.generation.cancellation import NO_CLIENT, CancelScope, Client
from service.generation.errors import BusyError, ReplyTooLargeError
from service.generation.reading import outputs_of, read_records
from service.generation.requests import FinishReason, Skipped
from service.generation.resident import ResidentModel, ResidentModels
from service.generation.scheduling.scheduler import Scheduler
from service.generation.scheduling.slices import result_within
from service.generation.tasks import check_task

AT_ONCE: Final = 4
"""How many beam searches a process accepts at once."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Transduction:
    """What a record was turned into: its text, the log-probability of the text with its end, and whether it has come to
    its `end` or to the `length`; `skipped` was not read."""

    text: str
    logprob: float
    finish_reason: FinishReason
    skipped: Skipped = ()


@dataclass(frozen=True, eq=False, slots=True)
class Transductions:
    """What a version turned texts into."""

    model: str
    version: int
    results: Items[Transduction]


@dataclass(frozen=True, slots=True)
class TransductionRequest:
    """The records to be turned into others of at most `length` tokens, the end included, with so many beams."""

    model: str
    texts: Items[str]
    beams: int = 1
    length: int = 1000
    skip_unknown: bool = False


class Transducer:
    """Turns the texts of a request into others within `timeout` seconds and `max_values` tokens: greedily with the
    scheduler, all of them in the batch together; with beams in a batch of its own, in slices of the scheduler's time.
    There is no randomness.

    Raises what Labeller raises.
    """

    def __init__(
        self,
        models: ResidentModels,
        scheduler: Scheduler,
        timeout: float | None = None,
        max_values: int | None = None,
        at_once: int = AT_ONCE,
    ) -> None:
        self._models = models
        self._scheduler = scheduler
        self._timeout = timeout
        self._max_values = max_values
        self._at_once = at_once
        self._places = threading.BoundedSemaphore(at_once)

    def transduce(self, request: TransductionRequest, client: Client = NO_CLIENT) -> Transductions:
        """What each of the texts is turned into."""
        model = self._models.get(request.model)
        check_task(model, "transduce")
        records = read_records(model, request.texts, skip_unknown=request.skip_unknown)
        size = len(records) * request.length
        if self._max_values is not None and size > self._max_values:
            raise ReplyTooLargeError(self._max_values, size, "length", "texts x length")
        read = [model.arrangement.read(record.ids, model.vocabulary) for record in records]
        scope = CancelScope(client, self._timeout)
        find = self._greedy if request.beams == 1 else self._searched
        found = zip(records, find(model, read, request, scope), strict=True)
        results = [_transduction(model, hypothesis, record.skipped) for record, hypothesis in found]
        return Transductions(model.name, model.version, results)

    def _greedy(
        self, model: ResidentModel, read: Items[Ids], request: TransductionRequest, scope: CancelScope
    ) -> list[Hypothesis]:
        sampling, end_id = SamplingParams(temperature=0, logprobs=0), model.vocabulary.end_id
        sequences = [Sequence(ids, request.length, sampling, end_id=end_id) for ids in read]
        outputs = outputs_of(self._scheduler, [(model.engine, sequence) for sequence in sequences], scope)
        return [_hypothesis(each) for each in outputs]

    def _searched(
        self, model: ResidentModel, read: Items[Ids], request: TransductionRequest, scope: CancelScope
    ) -> list[Hypothesis]:
        vocabulary = model.vocabulary
        search = BeamSearch(request.beams, request.length, vocabulary.end_id, vocabulary.following)

        def run(step: Callable[[], T]) -> T:
            scope.check()
            return result_within(scope, self._scheduler.submit_slice(step))

        with self._place():
            return list(search.search(model.engine, read, run))

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._places.acquire(blocking=False):
            raise BusyError(self._at_once, of="beam searches are running already")
        try:
            yield
        finally:
            self._places.release()


def _hypothesis(outputs: Items[Output]) -> Hypothesis:
    ids = tuple(id_ for output in outputs for id_ in output.ids.tolist())
    logprobs = [output.logprobs.chosen.tolist() for output in outputs if output.logprobs is not None]
    return Hypothesis(ids, math.fsum(each for some in logprobs for each in some), outputs[-1].ended)


def _transduction(model: ResidentModel, found: Hypothesis, skipped: Skipped) -> Transduction:
    text = model.vocabulary.decode(found.ids)
    return Transduction(text, found.logprob, "end" if found.ended else "length", skipped)
