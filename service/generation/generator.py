"""TextGenerator: from a request to its result, whole or in pieces, with resident models, cache and scheduler."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from service.generation.admission import Admission, Admitted
from service.generation.cache import GenerationCache
from service.generation.cached_choice import Entry
from service.generation.cancellation import NO_CLIENT, CancelScope, Client
from service.generation.compiled_patterns import CompiledPatterns
from service.generation.observer import NO_OBSERVER, GenerationObserver
from service.generation.pieces import Piece, Stream, StreamHead
from service.generation.prefix_states import PrefixStates
from service.generation.prompt_reader import PromptReader
from service.generation.requests import Choice, Generation, GenerationRequest
from service.generation.resident import ResidentModels
from service.generation.resuming import new_progress, pieces_after, resumed_progress
from service.generation.scheduling.scheduler import Scheduler
from service.generation.sequence_group import SequenceGroup, choices_in
from service.generation.single_flight import SingleFlight


class TextGenerator:
    """Answers generation requests in any number of threads at once.

    What the cache has of a text is not computed again. When a `client` disconnects, its work is dropped. Identical
    requests that arrive at the same moment are computed once, if the cache may be read and written and nothing is
    streamed. No request takes longer than `timeout` seconds or gets more than `max_values` values. Raises
    UnknownCharactersError, UnknownIdsError, NeverFitsError, ReplyTooLargeError, EventIdError, BusyError, ClosedError,
    ClientGoneError, DeadlineError, ModelUnavailableError and the model store's errors.
    """

    def __init__(
        self,
        models: ResidentModels,
        cache: GenerationCache,
        scheduler: Scheduler,
        *,
        observer: GenerationObserver = NO_OBSERVER,
        timeout: float | None = None,
        max_values: int | None = None,
        prefix_states: PrefixStates | None = None,
        patterns: CompiledPatterns | None = None,
    ) -> None:
        self._admission = Admission(models, scheduler.check_fits, patterns or CompiledPatterns(), max_values)
        self._cache = cache
        self._scheduler = scheduler
        self._observer = observer
        self._timeout = timeout
        self._prompts = PromptReader(scheduler, prefix_states or PrefixStates(), observer)
        self._single_flight: SingleFlight[str, tuple[Choice, ...]] = SingleFlight()

    def generate(self, request: GenerationRequest, client: Client = NO_CLIENT) -> Generation:
        """The whole result."""
        scope = self._scope([request], client)
        (generation,) = self._generate([self._admission.admit(request, scope)], scope)
        return generation

    def generate_all(self, requests: Sequence[GenerationRequest], client: Client = NO_CLIENT) -> list[Generation]:
        """The whole results of several requests, computed together once all of them have been admitted.

        All of them use one version of a model and share the client's time. Of identical ones without a seed, each draws
        its own. A fault in one of the prompts raises ItemError.
        """
        scope = self._scope(requests, client)
        return self._generate(self._admission.admit_all(requests, scope), scope)

    def stream(
        self, request: GenerationRequest, client: Client = NO_CLIENT, last_event_id: str | None = None
    ) -> Stream:
        """The result in pieces, as they are generated; with `last_event_id` what comes after that event. Errors that
        refuse the request are raised here, before the first piece."""
        scope = self._scope([request], client)
        return self._stream([self._admission.admit(request, scope)], scope, last_event_id)

    def stream_all(
        self, requests: Sequence[GenerationRequest], client: Client = NO_CLIENT, last_event_id: str | None = None
    ) -> Stream:
        """What `generate_all` returns, as one stream of the pieces of all texts."""
        scope = self._scope(requests, client)
        return self._stream(self._admission.admit_all(requests, scope), scope, last_event_id)

    def _generate(self, admitted: Sequence[Admitted], scope: CancelScope) -> list[Generation]:
        asked = [self._looked_up(each) for each in admitted]
        computed: Iterator[tuple[tuple[Choice, ...], bool]] = iter(())
        if not all(each.is_cached for each in asked):
            asked = self._prompts.read(asked, scope)
            computed = iter(self._compute_once([each for each in asked if not each.is_cached], scope))
        return [
            _generation(each, choices_in(each.found, each), joined=False)
            if each.found is not None and each.found.is_whole
            else _generation(each, *next(computed))
            for each in asked
        ]

    def _stream(self, admitted: Sequence[Admitted], scope: CancelScope, last_event_id: str | None) -> Stream:
        passed = None if last_event_id is None else resumed_progress(last_event_id, admitted)
        if passed is not None and passed.ended:
            return Stream(tuple(_head(each, ()) for each in admitted), iter(()), lambda: 0, passed)
        asked = [self._looked_up(each) for each in admitted]
        for each in asked:
            if each.request.read_cache and not each.is_cached:
                self._observer.looked_up("partial" if each.cached_tokens else "miss")
        began = time.perf_counter()
        asked = self._prompts.read(asked, scope)
        group = SequenceGroup(self._scheduler, asked, stream=True)
        heads = tuple(_head(each, seeds) for each, seeds in zip(asked, group.seeds, strict=True))
        pieces = self._pieces(asked, group, scope, began)
        if passed is not None:
            pieces = pieces_after(passed, pieces)
        progress = passed or new_progress(admitted, [head.seeds[0] for head in heads])
        return Stream(heads, pieces, group.completion_tokens, progress, resumed=passed is not None)

    def _looked_up(self, admitted: Admitted) -> Admitted:
        if not admitted.request.read_cache:
            return admitted
        found = self._cache.get(admitted.key, admitted.request, admitted.model)
        if found is None or not admitted.takes(found):
            return admitted
        if found.is_whole:
            self._observer.looked_up("hit")
        return replace(admitted, found=found)

    def _compute_once(self, asked: Sequence[Admitted], scope: CancelScope) -> list[tuple[tuple[Choice, ...], bool]]:
        """The choices of each, and whether they were computed for an identical request at this moment."""
        if not all(each.request.read_cache and each.request.write_cache for each in asked):
            return [(choices, False) for choices in self._compute(asked, scope)]
        by_key = {each.reply_key: each for each in asked}
        results = self._single_flight.once(
            by_key, lambda keys: self._compute([by_key[key] for key in keys], scope), scope
        )
        for key, (_, joined) in results.items():
            self._observer.looked_up("joined" if joined else "partial" if by_key[key].cached_tokens else "miss")
        return [results[each.reply_key] for each in asked]

    def _compute(self, asked: Sequence[Admitted], scope: CancelScope) -> list[tuple[Choice, ...]]:
        group = SequenceGroup(self._scheduler, asked, stream=False)
        try:
            made = group.wait(scope)
        finally:
            self._observer.generated(group.computed_tokens())
        self._keep(asked, group)
        return made

    def _pieces(
        self, asked: Sequence[Admitted], group: SequenceGroup, scope: CancelScope, began: float
    ) -> Iterator[tuple[int, Piece] | None]:
        """The group's pieces; what it made is kept at their end."""
        is_missing = not all(each.is_cached for each in asked)
        is_first = is_missing
        try:
            for news in group.pieces(scope):
                if is_first and news is not None:
                    self._observer.first_piece(time.perf_counter() - began)
                    is_first = False
                yield news
        finally:
            group.cancel()
            if is_missing:
                self._observer.generated(group.computed_tokens())
        self._keep(asked, group)

    def _keep(self, asked: Sequence[Admitted], group: SequenceGroup) -> None:
        for each, entry in zip(asked, group.entries(), strict=True):
            if entry is not None and not each.is_cached:
                self._cache.put(each.key, entry, each.model, self._earlier(each))

    def _earlier(self, admitted: Admitted) -> Entry | None:
        """The entry that is not to be replaced by a shorter one; none by texts drawn anew."""
        request = admitted.request
        if request.read_cache or request.seed is None:
            return admitted.entry
        found = self._cache.get(admitted.key, request, admitted.model)
        return None if found is None else found.entry

    def _scope(self, requests: Sequence[GenerationRequest], client: Client) -> CancelScope:
        return CancelScope(client, *(each.timeout for each in requests), self._timeout)


def _generation(admitted: Admitted, choices: tuple[Choice, ...], joined: bool) -> Generation:
    model = admitted.model
    return Generation(
        model.name,
        model.version,
        choices,
        admitted.prompt,
        admitted.skipped,
        cached=joined or admitted.is_cached,
        cached_tokens=sum(choice.completion_tokens for choice in choices) if joined else admitted.cached_tokens,
        cached_prompt_tokens=admitted.cached_prompt_tokens,
        pattern_skipped=admitted.pattern_skipped,
    )


def _head(admitted: Admitted, seeds: tuple[int, ...]) -> StreamHead:
    model = admitted.model
    return StreamHead(
        model.name,
        model.version,
        admitted.prompt,
        admitted.skipped,
        cached=admitted.is_cached,
        seeds=seeds,
        cached_tokens=admitted.cached_tokens,
        cached_prompt_tokens=admitted.cached_prompt_tokens,
        pattern_skipped=admitted.pattern_skipped,
    )
