"""TextGenerator: a request to its result, whole or in pieces, through resident models, cache and scheduler."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from charrnn.vocabulary import Ids
from service.generation.admission import Admission, Admitted
from service.generation.cache import GenerationCache
from service.generation.cancellation import NO_CLIENT, CancelScope, Client
from service.generation.reading import Piece
from service.generation.requests import Choice, Generation, GenerationRequest, Skipped
from service.generation.resident import ResidentModels
from service.generation.scheduler import Scheduler
from service.generation.sequence_group import Run
from service.generation.single_flight import SingleFlight


@dataclass(frozen=True, slots=True)
class Stream:
    """A result on its way: `pieces` gives (index of the choice, piece) until every choice has ended, and now and then
    None, when there has been nothing new."""

    model: str
    version: int
    prompt: Ids
    skipped: Skipped
    cached: bool
    seeds: tuple[int, ...]
    pieces: Iterator[tuple[int, Piece] | None]
    completion_tokens: Callable[[], int]
    """How many tokens were generated, once the pieces have come to their end."""

    @property
    def prompt_tokens(self) -> int:
        """How many ids of the prompt were read."""
        return int(self.prompt.size)


class Meter(Protocol):
    """Counts what a generator does."""

    def looked_up(self, result: str) -> None: ...
    def generated(self, tokens: int) -> None: ...
    def first(self, seconds: float) -> None: ...


class NoMeter:
    """Counts nothing."""

    def looked_up(self, result: str) -> None:
        """The cache was asked and had a `hit` or a `miss`, or the same request was `joined`."""

    def generated(self, tokens: int) -> None:
        """So many tokens were generated."""

    def first(self, seconds: float) -> None:
        """The first piece of a stream is there, so long after it was asked for."""


class TextGenerator:
    """Answers generation requests in any number of threads at once.

    A `client` who hangs up is noticed, and the work is dropped. Of identical requests at the same moment one
    is computed and the others wait for it, where the cache may be read and written and nothing is streamed. Raises
    UnknownCharactersError, UnknownIdsError, NeverFitsError, ReplyTooLargeError, BusyError, ClosedError,
    ClientGoneError, DeadlineError, ModelUnavailableError and the model store's errors. No client waits for longer than
    `timeout` seconds, whatever it asks for, and none gets more than `max_values` values.
    """

    def __init__(  # noqa: PLR0917
        self,
        models: ResidentModels,
        cache: GenerationCache,
        scheduler: Scheduler,
        meter: Meter | None = None,
        timeout: float | None = None,
        max_values: int | None = None,
    ) -> None:
        self._admission = Admission(models, scheduler.check_fits, max_values)
        self._cache = cache
        self._scheduler = scheduler
        self._meter = meter or NoMeter()
        self._timeout = timeout
        self._single_flight: SingleFlight[tuple[Choice, ...]] = SingleFlight()

    def generate(self, request: GenerationRequest, client: Client = NO_CLIENT) -> Generation:
        """The whole result."""
        return self._generate(self._admission.admit(request), self._scope(request, client))

    def generate_all(self, requests: Sequence[GenerationRequest], client: Client = NO_CLIENT) -> list[Generation]:
        """The whole results of what a client asks for at once, one after the other, when all of it was found right.

        A reference stands for one version in all of them, and they share the client's time. Without a seed each of
        those that are the same is drawn anew. A prompt that is at fault raises PromptError.
        """
        made: list[Generation] = []
        for each in self._admission.admit_all(requests):
            scope = self._scope(each.request, client)
            if made:
                scope.check()
            made.append(self._generate(each, scope))
        return made

    def stream(self, request: GenerationRequest, client: Client = NO_CLIENT) -> Stream:
        """The result in pieces, as they are made; what can be refused is refused here, before the first piece."""
        return self._stream(self._admission.admit(request), self._scope(request, client))

    def stream_all(
        self, requests: Sequence[GenerationRequest], client: Client = NO_CLIENT
    ) -> tuple[Stream, Iterator[Stream]]:
        """What `generate_all` gives, as streams one after the other: the first, which has begun, and the rest."""
        first, *others = self._admission.admit_all(requests)
        begun = self._stream(first, self._scope(first.request, client))
        return begun, (self._stream(each, self._scope(each.request, client)) for each in others)

    def _generate(self, asked: Admitted, scope: CancelScope) -> Generation:
        model, request = asked.model, asked.request
        choices = self._cache.get(asked.key, model.vocabulary) if request.read_cache else None
        cached = choices is not None
        if choices is None:
            choices, cached = self._compute(asked, scope)
        elif request.read_cache:
            self._meter.looked_up("hit")
        return Generation(model.name, model.version, choices, asked.prompt, asked.skipped, cached)

    def _stream(self, asked: Admitted, scope: CancelScope) -> Stream:
        model, request = asked.model, asked.request
        choices = self._cache.get(asked.key, model.vocabulary) if request.read_cache else None
        if request.read_cache:
            self._meter.looked_up("miss" if choices is None else "hit")
        if choices is not None:
            seeds = tuple(choice.seed for choice in choices)
            counted = sum(choice.completion_tokens for choice in choices)
            return Stream(
                model.name,
                model.version,
                asked.prompt,
                asked.skipped,
                True,
                seeds,
                _replayed(choices),
                lambda: counted,
            )
        run = Run(model, asked.prompt, request, stream=True)
        began = time.perf_counter()
        self._scheduler.submit(model.engine, run.tickets)

        def pieces() -> Iterator[tuple[int, Piece] | None]:
            first = True
            try:
                with self._scheduler.disconnects.watching(scope.client, run.dropped(scope)):
                    for piece in run.pieces(scope):
                        if first and piece is not None:
                            self._meter.first(time.perf_counter() - began)
                            first = False
                        yield piece
            finally:
                self._meter.generated(run.completion_tokens())
            self._keep(asked, run.choices())

        return Stream(
            model.name,
            model.version,
            asked.prompt,
            asked.skipped,
            False,
            run.seeds,
            pieces(),
            run.completion_tokens,
        )

    def _compute(self, asked: Admitted, scope: CancelScope) -> tuple[tuple[Choice, ...], bool]:
        """The choices, and whether they were made for somebody else at this moment."""
        request = asked.request

        def make() -> tuple[Choice, ...]:
            run = Run(asked.model, asked.prompt, request)
            self._scheduler.submit(asked.model.engine, run.tickets, helps=True)
            self._scheduler.help(run.is_done)
            if not run.is_done():
                with self._scheduler.disconnects.watching(scope.client, run.dropped(scope)):
                    run.wait(scope)
            choices = run.choices()
            self._meter.generated(run.completion_tokens())
            self._keep(asked, choices)
            return choices

        if not (request.read_cache and request.write_cache):
            return make(), False
        choices, joined = self._single_flight.once(asked.key, make, scope)
        self._meter.looked_up("joined" if joined else "miss")
        return choices, joined

    def _scope(self, request: GenerationRequest, client: Client) -> CancelScope:
        timeouts = [each for each in (request.timeout, self._timeout) if each is not None]
        return CancelScope(client, min(timeouts, default=None))

    def _keep(self, asked: Admitted, choices: tuple[Choice, ...]) -> None:
        if asked.request.write_cache:
            self._cache.put(asked.key, choices)


def _replayed(choices: tuple[Choice, ...]) -> Iterator[tuple[int, Piece] | None]:
    for index, choice in enumerate(choices):
        tokens = range(choice.completion_tokens)
        yield index, Piece(choice.text, choice.logprobs, choice.finish_reason, tokens=tokens, ids=choice.ids)
