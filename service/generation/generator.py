"""TextGenerator: from a request to its result, whole or in pieces, with resident models, cache and scheduler."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import chain

from service.generation.admission import Admission, Admitted
from service.generation.cache import GenerationCache
from service.generation.cancellation import NO_CLIENT, CancelScope, Client
from service.generation.observer import NO_OBSERVER, GenerationObserver
from service.generation.pieces import Head, Piece, Stream
from service.generation.requests import Choice, Generation, GenerationRequest
from service.generation.resident import ResidentModels
from service.generation.resuming import new_progress, pieces_after, resumed_progress
from service.generation.scheduling.scheduler import Scheduler
from service.generation.sequence_group import SequenceGroup
from service.generation.single_flight import SingleFlight


class TextGenerator:
    """Answers generation requests in any number of threads at once.

    When a `client` disconnects, its work is dropped. Identical requests that arrive at the same moment are computed
    once, if the cache may be read and written and nothing is streamed. No request takes longer than `timeout` seconds
    or gets more than `max_values` values. Raises UnknownCharactersError, UnknownIdsError, NeverFitsError,
    ReplyTooLargeError, EventIdError, BusyError, ClosedError, ClientGoneError, DeadlineError, ModelUnavailableError and
    the model store's errors.
    """

    def __init__(  # noqa: PLR0917
        self,
        models: ResidentModels,
        cache: GenerationCache,
        scheduler: Scheduler,
        observer: GenerationObserver = NO_OBSERVER,
        timeout: float | None = None,
        max_values: int | None = None,
    ) -> None:
        self._admission = Admission(models, scheduler.check_fits, max_values)
        self._cache = cache
        self._scheduler = scheduler
        self._observer = observer
        self._timeout = timeout
        self._single_flight: SingleFlight[str, tuple[Choice, ...]] = SingleFlight()

    def generate(self, request: GenerationRequest, client: Client = NO_CLIENT) -> Generation:
        """The whole result."""
        (generation,) = self._generate([self._admission.admit(request)], client)
        return generation

    def generate_all(self, requests: Sequence[GenerationRequest], client: Client = NO_CLIENT) -> list[Generation]:
        """The whole results of several requests, computed together once all of them have been admitted.

        All of them use one version of a model and share the client's time. Of identical ones without a seed, each draws
        its own. A fault in one of the prompts raises ItemError.
        """
        return self._generate(self._admission.admit_all(requests), client)

    def stream(
        self, request: GenerationRequest, client: Client = NO_CLIENT, last_event_id: str | None = None
    ) -> Stream:
        """The result in pieces, as they are generated; with `last_event_id` what comes after that event. Errors that
        refuse the request are raised here, before the first piece."""
        return self._stream([self._admission.admit(request)], client, last_event_id)

    def stream_all(
        self, requests: Sequence[GenerationRequest], client: Client = NO_CLIENT, last_event_id: str | None = None
    ) -> Stream:
        """What `generate_all` returns, as one stream of the pieces of all texts."""
        return self._stream(self._admission.admit_all(requests), client, last_event_id)

    def _generate(self, admitted: Sequence[Admitted], client: Client) -> list[Generation]:
        found = [self._cached(each) for each in admitted]
        missing = _missing(admitted, found)
        computed = iter(self._compute_once(missing, self._scope(admitted, client)) if missing else ())
        results = (next(computed) if choices is None else (choices, True) for choices in found)
        return [
            Generation(each.model.name, each.model.version, choices, each.prompt, each.skipped, cached)
            for each, (choices, cached) in zip(admitted, results, strict=True)
        ]

    def _stream(self, admitted: Sequence[Admitted], client: Client, last_event_id: str | None) -> Stream:
        passed = None if last_event_id is None else resumed_progress(last_event_id, admitted)
        if passed is not None and passed.ended:
            return Stream(tuple(_head(each, (), None) for each in admitted), iter(()), lambda: 0, passed)
        found = [self._cached(each) for each in admitted]
        missing = _missing(admitted, found)
        for each in missing:
            if each.request.read_cache:
                self._observer.looked_up("miss")
        began = time.perf_counter()
        group = SequenceGroup(self._scheduler, missing, stream=True)
        drawn = iter(group.seeds)
        heads = tuple(
            _head(each, next(drawn) if choices is None else tuple(choice.seed for choice in choices), choices)
            for each, choices in zip(admitted, found, strict=True)
        )
        known = [choices or [None] * len(head.seeds) for head, choices in zip(heads, found, strict=True)]
        ready = list(chain.from_iterable(known))
        pieces = self._pieces(ready, missing, group, self._scope(admitted, client), began)
        before = sum(choice.completion_tokens for choice in ready if choice is not None)
        if passed is not None:
            pieces = pieces_after(passed, pieces)
        progress = passed or new_progress(admitted, [head.seeds[0] for head in heads])
        return Stream(heads, pieces, lambda: before + group.completion_tokens(), progress)

    def _cached(self, admitted: Admitted) -> tuple[Choice, ...] | None:
        if not admitted.request.read_cache:
            return None
        choices = self._cache.get(admitted.key, admitted.model.vocabulary)
        if choices is not None:
            self._observer.looked_up("hit")
        return choices

    def _compute_once(self, admitted: Sequence[Admitted], scope: CancelScope) -> list[tuple[tuple[Choice, ...], bool]]:
        """The choices of each, and whether they were computed for an identical request at this moment."""
        if not all(each.request.read_cache and each.request.write_cache for each in admitted):
            return [(choices, False) for choices in self._compute(admitted, scope)]
        by_key = {each.key: each for each in admitted}
        results = self._single_flight.once(
            by_key, lambda keys: self._compute([by_key[key] for key in keys], scope), scope
        )
        for _, joined in results.values():
            self._observer.looked_up("joined" if joined else "miss")
        return [results[each.key] for each in admitted]

    def _compute(self, admitted: Sequence[Admitted], scope: CancelScope) -> list[tuple[Choice, ...]]:
        group = SequenceGroup(self._scheduler, admitted, stream=False)
        try:
            made = group.wait(scope)
        finally:
            self._observer.generated(group.completion_tokens())
        self._keep(admitted, made)
        return made

    def _pieces(
        self,
        ready: Sequence[Choice | None],
        missing: Sequence[Admitted],
        group: SequenceGroup,
        scope: CancelScope,
        began: float,
    ) -> Iterator[tuple[int, Piece] | None]:
        """The choices that are `ready`, each as one piece, and those of the group, which are not, piece by piece."""
        first = True
        places = [index for index, choice in enumerate(ready) if choice is None]
        try:
            yield from ((index, Piece.whole(choice)) for index, choice in enumerate(ready) if choice is not None)
            for news in group.pieces(scope):
                if first and news is not None:
                    self._observer.first_piece(time.perf_counter() - began)
                    first = False
                yield None if news is None else (places[news[0]], news[1])
        finally:
            group.cancel()
            if missing:
                self._observer.generated(group.completion_tokens())
        self._keep(missing, group.choices())

    def _keep(self, admitted: Sequence[Admitted], made: Sequence[tuple[Choice, ...]]) -> None:
        for each, choices in zip(admitted, made, strict=True):
            if each.request.write_cache:
                self._cache.put(each.key, choices)

    def _scope(self, admitted: Sequence[Admitted], client: Client) -> CancelScope:
        return CancelScope(client, *(each.request.timeout for each in admitted), self._timeout)


def _missing(admitted: Sequence[Admitted], found: Sequence[tuple[Choice, ...] | None]) -> list[Admitted]:
    return [each for each, choices in zip(admitted, found, strict=True) if choices is None]


def _head(admitted: Admitted, seeds: tuple[int, ...], cached: tuple[Choice, ...] | None) -> Head:
    model = admitted.model
    return Head(model.name, model.version, admitted.prompt, admitted.skipped, cached is not None, seeds)
