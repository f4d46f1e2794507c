"""TextGenerator: a request to its result, whole or in pieces, through resident models, cache and scheduler."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from charrnn.engine.base import Sequence
from charrnn.vocabulary import Ids
from service.generation.cache import GenerationCache
from service.generation.errors import ClientGoneError
from service.generation.reading import ChoiceReader, Piece
from service.generation.requests import Choice, Generation, GenerationRequest, choice_seed
from service.generation.resident import ResidentModel, ResidentModels
from service.generation.scheduler import Scheduler, Ticket
from service.generation.stopping import StopMatcher

DRAWN_SEED_BITS: Final = 53
"""A drawn seed is exact in every JSON reader, those included whose only number is a double."""
POLL_SECONDS: Final = 0.05
"""How often it is asked whether the client is still there."""
PIECE_SECONDS: Final = 0.02
"""Pieces of a stream follow one another no sooner, so that under load a piece is more than a character."""

Alive = Callable[[], bool]


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


class TextGenerator:
    """Answers generation requests in any number of threads at once.

    `alive` is asked now and then whether anybody still wants the result. Raises UnknownCharactersError, BusyError,
    ClosedError, ClientGoneError, ModelUnavailableError and the model store's errors.
    """

    def __init__(self, models: ResidentModels, cache: GenerationCache, scheduler: Scheduler) -> None:
        self._models = models
        self._cache = cache
        self._scheduler = scheduler

    def generate(self, request: GenerationRequest, alive: Alive = lambda: True) -> Generation:
        """The whole result."""
        model, prompt, skipped = self._prepare(request)
        choices = self._cache.get(model.digest, request) if request.read_cache else None
        cached = choices is not None
        if choices is None:
            run = _Run(model, prompt, request)
            self._scheduler.submit(model.engine, run.tickets, helps=True)
            self._scheduler.help(run.is_done)
            run.wait(alive)
            choices = run.choices()
            self._keep(model, request, choices)
        return Generation(model.name, model.version, choices, prompt.size, skipped, cached)

    def stream(self, request: GenerationRequest, alive: Alive = lambda: True) -> Stream:
        """The result in pieces, as they are made; what can be refused is refused here, before the first piece."""
        model, prompt, skipped = self._prepare(request)
        choices = self._cache.get(model.digest, request) if request.read_cache else None
        if choices is not None:
            seeds = tuple(choice.seed for choice in choices)
            counted = sum(choice.completion_tokens for choice in choices)
            return Stream(
                model.name, model.version, prompt.size, skipped, True, seeds, _replayed(choices), lambda: counted
            )
        run = _Run(model, prompt, request, stream=True)
        self._scheduler.submit(model.engine, run.tickets)

        def pieces() -> Iterator[tuple[int, Piece] | None]:
            yield from run.pieces(alive)
            self._keep(model, request, run.choices())

        return Stream(
            model.name, model.version, prompt.size, skipped, False, run.seeds, pieces(), run.completion_tokens
        )

    def _prepare(self, request: GenerationRequest) -> tuple[ResidentModel, Ids, tuple[tuple[int, str], ...]]:
        model = self._models.get(request.model)
        if not request.skip_unknown:
            return model, model.vocabulary.encode(request.prompt), ()
        ids, skipped = model.vocabulary.encode_known(request.prompt)
        return model, ids, tuple(skipped)

    def _keep(self, model: ResidentModel, request: GenerationRequest, choices: tuple[Choice, ...]) -> None:
        if request.write_cache:
            self._cache.put(model.digest, request, choices)


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

    def wait(self, alive: Alive) -> None:
        """Until all are done. Raises ClientGoneError, having given the places up, when nobody waits any more."""
        while not self.is_done():
            self._wait_for_news(alive)

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

    def pieces(self, alive: Alive) -> Iterator[tuple[int, Piece] | None]:
        """What there is to give out, as it comes; leaving early gives the places up."""
        try:
            while any(reader.finish_reason is None for reader in self._readers):
                if self._has_ended_unread() or self._wait_for_news(alive):
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

    def _wait_for_news(self, alive: Alive) -> bool:
        if self._wake.wait(POLL_SECONDS):
            self._wake.clear()
            return True
        if not alive():
            self._cancel()
            raise ClientGoneError("the client hung up")
        return False

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
