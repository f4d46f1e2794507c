"""TextGenerator: from a request to its result, whole or in pieces, with resident models, cache and scheduler."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from service.generation.admission import Admission, Admitted
from service.generation.cache import GenerationCache
from service.generation.cancellation import NO_CLIENT, CancelScope, Client
from service.generation.observer import NO_OBSERVER, GenerationObserver
from service.generation.pieces import Piece, Stream
from service.generation.requests import Choice, Generation, GenerationRequest
from service.generation.resident import ResidentModels
from service.generation.scheduling.scheduler import Scheduler
from service.generation.sequence_group import SequenceGroup
from service.generation.single_flight import SingleFlight


class TextGenerator:
    """Answers generation requests in any number of threads at once.

    When a `client` disconnects, its work is dropped. Identical requests that arrive at the same moment are computed
    once, if the cache may be read and written and nothing is streamed. No request takes longer than `timeout` seconds
    or gets more than `max_values` values. Raises UnknownCharactersError, UnknownIdsError, NeverFitsError,
    ReplyTooLargeError, BusyError, ClosedError, ClientGoneError, DeadlineError, ModelUnavailableError and the model
    store's errors.
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
        self._single_flight: SingleFlight[tuple[Choice, ...]] = SingleFlight()

    def generate(self, request: GenerationRequest, client: Client = NO_CLIENT) -> Generation:
        """The whole result."""
        return self._generate(self._admission.admit(request), self._scope(request, client))

    def generate_all(self, requests: Sequence[GenerationRequest], client: Client = NO_CLIENT) -> list[Generation]:
        """The whole results of several requests, computed one after the other once all of them have been admitted.

        All of them use one version of a model and share the client's time. Of identical ones without a seed, each draws
        its own. A fault in one of the prompts raises PromptError.
        """
        results: list[Generation] = []
        for admitted in self._admission.admit_all(requests):
            scope = self._scope(admitted.request, client)
            if results:
                scope.check()
            results.append(self._generate(admitted, scope))
        return results

    def stream(self, request: GenerationRequest, client: Client = NO_CLIENT) -> Stream:
        """The result in pieces, as they are generated. Errors that refuse the request are raised here, before the first
        piece."""
        return self._stream(self._admission.admit(request), self._scope(request, client))

    def stream_all(
        self, requests: Sequence[GenerationRequest], client: Client = NO_CLIENT
    ) -> tuple[Stream, Iterator[Stream]]:
        """What `generate_all` returns, as streams one after the other: the first, which has begun, and the rest."""
        first, *others = self._admission.admit_all(requests)
        begun = self._stream(first, self._scope(first.request, client))
        return begun, (self._stream(each, self._scope(each.request, client)) for each in others)

    def _generate(self, admitted: Admitted, scope: CancelScope) -> Generation:
        choices, cached = self._cached(admitted), True
        if choices is None:
            choices, cached = self._compute_once(admitted, scope)
        model = admitted.model
        return Generation(model.name, model.version, choices, admitted.prompt, admitted.skipped, cached)

    def _stream(self, admitted: Admitted, scope: CancelScope) -> Stream:
        choices, model = self._cached(admitted), admitted.model
        start = (model.name, model.version, admitted.prompt, admitted.skipped, choices is not None)
        if choices is not None:
            tokens = sum(choice.completion_tokens for choice in choices)
            return Stream(*start, tuple(choice.seed for choice in choices), _replayed(choices), lambda: tokens)
        if admitted.request.read_cache:
            self._observer.looked_up("miss")
        began = time.perf_counter()
        group = SequenceGroup(self._scheduler, admitted, stream=True)
        return Stream(*start, group.seeds, self._pieces(admitted, group, scope, began), group.completion_tokens)

    def _cached(self, admitted: Admitted) -> tuple[Choice, ...] | None:
        if not admitted.request.read_cache:
            return None
        choices = self._cache.get(admitted.key, admitted.model.vocabulary)
        if choices is not None:
            self._observer.looked_up("hit")
        return choices

    def _compute_once(self, admitted: Admitted, scope: CancelScope) -> tuple[tuple[Choice, ...], bool]:
        """The choices, and whether they were computed for an identical request at this moment."""
        if not (admitted.request.read_cache and admitted.request.write_cache):
            return self._compute(admitted, scope), False
        choices, joined = self._single_flight.once(admitted.key, lambda: self._compute(admitted, scope), scope)
        self._observer.looked_up("joined" if joined else "miss")
        return choices, joined

    def _compute(self, admitted: Admitted, scope: CancelScope) -> tuple[Choice, ...]:
        group = SequenceGroup(self._scheduler, admitted, stream=False)
        try:
            choices = group.wait(scope)
        finally:
            self._observer.generated(group.completion_tokens())
        self._keep(admitted, choices)
        return choices

    def _pieces(
        self, admitted: Admitted, group: SequenceGroup, scope: CancelScope, began: float
    ) -> Iterator[tuple[int, Piece] | None]:
        """What `_compute` does, piece by piece."""
        first = True
        try:
            for piece in group.pieces(scope):
                if first and piece is not None:
                    self._observer.first_piece(time.perf_counter() - began)
                    first = False
                yield piece
        finally:
            self._observer.generated(group.completion_tokens())
        self._keep(admitted, group.choices())

    def _keep(self, admitted: Admitted, choices: tuple[Choice, ...]) -> None:
        if admitted.request.write_cache:
            self._cache.put(admitted.key, choices)

    def _scope(self, request: GenerationRequest, client: Client) -> CancelScope:
        return CancelScope(client, request.timeout, self._timeout)


def _replayed(choices: tuple[Choice, ...]) -> Iterator[tuple[int, Piece] | None]:
    yield from ((index, Piece.whole(choice)) for index, choice in enumerate(choices))
