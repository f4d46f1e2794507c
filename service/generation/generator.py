"""TextGenerator: a request to its result, whole or in pieces, through resident models, cache and scheduler."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final, Protocol

import numpy as np

from charrnn.engine.base import Sequence
from charrnn.sampling import DRAWN_SEED_BITS, choice_seed
from charrnn.stopping import StopMatcher
from charrnn.vocabulary import Ids
from service.generation.cache import GenerationCache, cache_key
from service.generation.clients import ANYBODY, Client
from service.generation.patience import Flights, Patience
from service.generation.reading import ChoiceReader, Piece
from service.generation.requests import Choice, Generation, GenerationRequest
from service.generation.resident import ResidentModel, ResidentModels
from service.generation.scheduler import Scheduler, Ticket

PIECE_SECONDS: Final = 0.02
"""Pieces of a stream follow one another no sooner, so that under load a piece is more than a character."""


@dataclass(frozen=True, slots=True)
class Stream:
    """A result on its way: `pieces` gives (index of the choice, piece) until every choice has ended, and now and then
    None, when there has been nothing new."""

    model: str
    version: int
    prompt_tokens: int
    skipped: tuple[tuple[int, str], ...]
    cached: bool
    seeds: tuple[int, ...]
    pieces: Iterator[tuple[int, Piece] | None]
    completion_tokens: Callable[[], int]
    """How many tokens were generated, once the pieces have come to their end."""


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
    UnknownCharactersError, BusyError, ClosedError, ClientGoneError, DeadlineError, ModelUnavailableError and the model
    store's errors. No request may take longer than `timeout` seconds, whatever it asks for.
    """

    def __init__(
        self,
        models: ResidentModels,
        cache: GenerationCache,
        scheduler: Scheduler,
        meter: Meter | None = None,
        timeout: float | None = None,
    ) -> None:
        self._models = models
        self._cache = cache
        self._scheduler = scheduler
        self._meter = meter or NoMeter()
        self._timeout = timeout
        self._flights: Flights[tuple[Choice, ...]] = Flights()

    def generate(self, request: GenerationRequest, client: Client = ANYBODY) -> Generation:
        """The whole result."""
        model, prompt, skipped = self._prepare(request)
        key = cache_key(model.digest, request)
        choices = self._cache.get(key) if request.read_cache else None
        cached = choices is not None
        if choices is None:
            choices, cached = self._compute(model, prompt, request, key, self._patience(request, client))
        elif request.read_cache:
            self._meter.looked_up("hit")
        return Generation(model.name, model.version, choices, prompt.size, skipped, cached)

    def stream(self, request: GenerationRequest, client: Client = ANYBODY) -> Stream:
        """The result in pieces, as they are made; what can be refused is refused here, before the first piece."""
        model, prompt, skipped = self._prepare(request)
        key = cache_key(model.digest, request)
        choices = self._cache.get(key) if request.read_cache else None
        if request.read_cache:
            self._meter.looked_up("miss" if choices is None else "hit")
        if choices is not None:
            seeds = tuple(choice.seed for choice in choices)
            counted = sum(choice.completion_tokens for choice in choices)
            return Stream(
                model.name, model.version, prompt.size, skipped, True, seeds, _replayed(choices), lambda: counted
            )
        run = _Run(model, prompt, request, stream=True)
        began, patience = time.perf_counter(), self._patience(request, client)
        self._scheduler.submit(model.engine, run.tickets)

        def pieces() -> Iterator[tuple[int, Piece] | None]:
            first = True
            try:
                with self._scheduler.hang_ups.watching(patience.client, run.dropped(patience)):
                    for piece in run.pieces(patience):
                        if first and piece is not None:
                            self._meter.first(time.perf_counter() - began)
                            first = False
                        yield piece
            finally:
                self._meter.generated(run.completion_tokens())
            self._keep(request, key, run.choices())

        return Stream(
            model.name, model.version, prompt.size, skipped, False, run.seeds, pieces(), run.completion_tokens
        )

    def _compute(
        self, model: ResidentModel, prompt: Ids, request: GenerationRequest, key: str, patience: Patience
    ) -> tuple[tuple[Choice, ...], bool]:
        """The choices, and whether they were made for somebody else at this moment."""

        def make() -> tuple[Choice, ...]:
            run = _Run(model, prompt, request)
            self._scheduler.submit(model.engine, run.tickets, helps=True)
            self._scheduler.help(run.is_done)
            if not run.is_done():
                with self._scheduler.hang_ups.watching(patience.client, run.dropped(patience)):
                    run.wait(patience)
            choices = run.choices()
            self._meter.generated(run.completion_tokens())
            self._keep(request, key, choices)
            return choices

        if not (request.read_cache and request.write_cache):
            return make(), False
        choices, joined = self._flights.once(key, make, patience)
        self._meter.looked_up("joined" if joined else "miss")
        return choices, joined

    def _prepare(self, request: GenerationRequest) -> tuple[ResidentModel, Ids, tuple[tuple[int, str], ...]]:
        model = self._models.get(request.model)
        if not request.skip_unknown:
            return model, model.vocabulary.encode(request.prompt), ()
        ids, skipped = model.vocabulary.encode_known(request.prompt)
        return model, ids, tuple(skipped)

    def _patience(self, request: GenerationRequest, client: Client) -> Patience:
        timeouts = [each for each in (request.timeout, self._timeout) if each is not None]
        return Patience(client, min(timeouts, default=None))

    def _keep(self, request: GenerationRequest, key: str, choices: tuple[Choice, ...]) -> None:
        if request.write_cache:
            self._cache.put(key, choices)


class _Run:
    """The sequences of one request, with the scheduler: a ticket and a reader for each choice."""

    def __init__(self, model: ResidentModel, prompt: Ids, request: GenerationRequest, *, stream: bool = False) -> None:
        first = secrets.randbits(DRAWN_SEED_BITS) if request.seed is None else request.seed
        self.seeds = tuple(choice_seed(first, index) for index in range(request.n))
        self._wake = threading.Event()
        self.tickets = [
            Ticket(_sequence(model, prompt, request, seed), self._wake, _watch(model, request), stream=stream)
            for seed in self.seeds
        ]
        self._readers = [ChoiceReader(model.vocabulary, prompt, request, seed) for seed in self.seeds]

    def wait(self, patience: Patience) -> None:
        """Until all are done. Raises what `patience` raises, having given the places up."""
        try:
            while not self.is_done():
                self._wait_for_news(patience)
            patience.check_presence()
        finally:
            self._cancel()

    def dropped(self, patience: Patience) -> Callable[[], None]:
        """What is to happen when the client hangs up: the places are given up, and whoever waits for them is told."""

        def drop() -> None:
            patience.end()
            self._cancel()

        return drop

    def is_done(self) -> bool:
        """Whether every sequence has come to its end."""
        return all(ticket.done for ticket in self.tickets)

    def choices(self) -> tuple[Choice, ...]:
        """The choices of a run that is done."""
        for ticket, reader in zip(self.tickets, self._readers, strict=True):
            while reader.finish_reason is None:
                outputs = ticket.take()
                assert outputs, "a sequence that is done has ended its choice"
                reader.read(outputs)
        return tuple(reader.choice() for reader in self._readers)

    def completion_tokens(self) -> int:
        """Tokens generated so far, those of stop texts included."""
        return sum(reader.tokens for reader in self._readers)

    def pieces(self, patience: Patience) -> Iterator[tuple[int, Piece] | None]:
        """What there is to give out, as it comes; leaving early gives the places up."""
        try:
            while any(reader.finish_reason is None for reader in self._readers):
                patience.check_presence()
                if self._has_ended_unread() or self._wait_for_news(patience):
                    yield from self._news()
                    time.sleep(PIECE_SECONDS)
                else:
                    yield None
        finally:
            self._cancel()

    def _has_ended_unread(self) -> bool:
        """Whether a sequence is done whose end (a failure, after its last outputs) was not read: nothing more wakes."""
        ends = zip(self.tickets, self._readers, strict=True)
        return any(ticket.done and reader.finish_reason is None for ticket, reader in ends)

    def _news(self) -> Iterator[tuple[int, Piece]]:
        for index, (ticket, reader) in enumerate(zip(self.tickets, self._readers, strict=True)):
            if reader.finish_reason is None and (outputs := ticket.take()):
                piece = reader.read(outputs)
                if piece.text or piece.finish_reason:
                    yield index, piece

    def _wait_for_news(self, patience: Patience) -> bool:
        came = patience.wait(self._wake)
        if came:
            self._wake.clear()
        return came

    def _cancel(self) -> None:
        for ticket in self.tickets:
            ticket.cancel()


def _sequence(model: ResidentModel, prompt: Ids, request: GenerationRequest, seed: int) -> Sequence:
    """An empty prompt is taken to follow the vocabulary's start, which is not part of the text."""
    read = prompt if prompt.size else np.array([model.vocabulary.start_id], dtype=np.int32)
    score = request.echo and request.sampling.logprobs is not None and prompt.size > 0
    return Sequence(read, request.length, replace(request.sampling, seed=seed), score=score)


def _watch(model: ResidentModel, request: GenerationRequest) -> Callable[[Ids], bool] | None:
    """Ends a sequence in the scheduler's thread as soon as a stop text is complete."""
    if not request.stop:
        return None
    matcher = StopMatcher(request.stop)

    def watch(ids: Ids) -> bool:
        matcher.feed(model.vocabulary.decode(ids))
        return matcher.stopped

    return watch


def _replayed(choices: tuple[Choice, ...]) -> Iterator[tuple[int, Piece] | None]:
    for index, choice in enumerate(choices):
        yield index, Piece(choice.text, choice.logprobs, choice.finish_reason)
