"""RecordGenerator: from a request for records to a stream of them, in slices of the scheduler's time."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final, TypeVar

from charrnn.engine.base import Finished, Sequence, Series, State
from charrnn.novelty import KnownTexts
from charrnn.sampling import DRAWN_SEED_BITS, SamplingParams
from charrnn.vocabulary import Ids
from service.generation.admission import check_sampling
from service.generation.cancellation import NO_CLIENT, CancelScope, Client
from service.generation.compiled_patterns import CompiledPatterns, Wanted
from service.generation.errors import BusyError, NoKnownTextsError
from service.generation.fitting import Fitting, fitting
from service.generation.observer import NO_OBSERVER, GenerationObserver
from service.generation.records.candidates import Candidates
from service.generation.records.refusal import Refusal
from service.generation.records.request import RecordsRequest
from service.generation.records.stream import RecordStream
from service.generation.resident import ResidentModel, ResidentModels
from service.generation.scheduling.scheduler import Scheduler
from service.generation.scheduling.slices import result_within
from service.generation.tasks import check_label, check_records
from service.generation.tokenization import read

MAX_STREAMS: Final = 16
"""How many streams of records a process generates at once."""
RETRY_SECONDS: Final = 5
READ_AT_ONCE: Final = 64
"""Tokens of a prompt that are read in a slice."""

T = TypeVar("T")

FindKnownTexts = Callable[[str, int], KnownTexts | None]
"""The texts that a version, by name and number, was trained on; None if they were not kept."""


class RecordGenerator:
    """Answers requests for records in any number of threads at once.

    Nothing is generated before it is asked for, so a client that reads slowly slows down its stream alone. A stream
    ends with DeadlineError when its next records take longer than `timeout` seconds.
    """

    def __init__(
        self,
        models: ResidentModels,
        scheduler: Scheduler,
        known_texts: FindKnownTexts,
        *,
        observer: GenerationObserver = NO_OBSERVER,
        timeout: float | None = None,
        patterns: CompiledPatterns | None = None,
    ) -> None:
        self._models = models
        self._scheduler = scheduler
        self._known_texts = known_texts
        self._observer = observer
        self._timeout = timeout
        self._patterns = patterns or CompiledPatterns()
        self._room = threading.BoundedSemaphore(MAX_STREAMS)

    def stream(self, request: RecordsRequest, client: Client = NO_CLIENT) -> RecordStream:
        """The records. Close the stream if it is not read to its end.

        Raises WrongTaskError, UnknownLabelError, SamplingIdsError, SeparatorError, UnknownCharactersError,
        NoKnownTextsError, BusyError, and what ResidentModels.get and `fitting` raise; iterating raises ClientGoneError,
        DeadlineError and ClosedError.
        """
        model = self._models.get(request.model)
        check_records(model)
        check_label(model, request.label)
        check_sampling(model, request.sampling)
        ids, skipped = read(model, request.prompt, request.skip_unknown)
        refusal = self._refusal(request, model)
        fits = self._fitting(request, model, client)
        seed = secrets.randbits(DRAWN_SEED_BITS) if request.seed is None else request.seed
        if not self._room.acquire(blocking=False):
            raise BusyError(MAX_STREAMS, RETRY_SECONDS, "streams of records are being generated already")
        return RecordStream(
            *(request, model, model.vocabulary.decode(ids), seed, refusal),
            begin=partial(self._begin, request, model, ids, seed, fits=fits, client=client),
            step=partial(self._step, client=client),
            on_close=self._room.release,
            skipped=skipped,
            pattern_skipped=() if fits is None else fits.skipped,
        )

    def _fitting(self, request: RecordsRequest, model: ResidentModel, client: Client) -> Fitting | None:
        if request.pattern is None:
            return None
        wanted = Wanted(request.pattern, allowed=request.sampling.allowed_token_ids)
        compiled = self._patterns.get(wanted, model, CancelScope(client, self._timeout))
        return fitting(compiled, model.vocabulary, request.length)

    def _refusal(self, request: RecordsRequest, model: ResidentModel) -> Refusal | None:
        known = self._known_to(model) if request.novel else None
        return Refusal(known, unique=request.unique) if request.unique or request.novel else None

    def _known_to(self, model: ResidentModel) -> KnownTexts:
        if (found := self._known_texts(model.name, model.version)) is None:
            raise NoKnownTextsError(model.name, model.version)
        return found

    def _begin(
        self,
        request: RecordsRequest,
        model: ResidentModel,
        ids: Ids,
        seed: int,
        *,
        fits: Fitting | None,
        client: Client,
    ) -> Candidates:
        state = self._state_after(model, model.arrangement.read(ids, model.vocabulary, request.label), client)
        is_any_refused = request.unique or request.novel
        stop = None if is_any_refused else request.offset + request.count
        sampling = replace(request.sampling, seed=seed)
        fit = None if fits is None else fits.fit
        series = Series(state, request.length, sampling, model.vocabulary.end_id, request.offset, stop, fit=fit)
        slots = min(self._scheduler.max_active, request.count)
        return self._slice(lambda: Candidates(model.engine, series, slots, model.vocabulary), client)

    def _state_after(self, model: ResidentModel, ids: Ids, client: Client) -> State:
        """The state of a sequence that has read the ids and chosen none."""
        batch = model.engine.batch(1)
        handle = batch.add(Sequence(ids, 0, SamplingParams()))
        for _ in range(0, ids.size, READ_AT_ONCE):
            self._slice(lambda: batch.step(READ_AT_ONCE), client)
        return batch.state(handle)

    def _step(self, candidates: Candidates, client: Client) -> Finished:
        finished = self._slice(lambda: candidates.step(self._scheduler.slice_seconds), client)
        self._observer.generated(finished.ids.size + int(finished.ended.sum()))
        return finished

    def _slice(self, work: Callable[[], T], client: Client) -> T:
        """The result of a slice, once its turn has come and it is done. Raises ClientGoneError, DeadlineError,
        ClosedError."""
        scope = CancelScope(replace(client, asked_at=None), self._timeout)
        return result_within(scope, self._scheduler.submit_slice(work))
