"""TextGenerator: a request to its result, through the resident models, the cache and the scheduler."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from charrnn.engine.base import Logprobs, Output, Sequence
from charrnn.vocabulary import Ids, Vocabulary
from service.generation.cache import GenerationCache
from service.generation.errors import ClientGoneError
from service.generation.requests import Choice, Generation, GenerationRequest, TokenLogprobs, choice_seed
from service.generation.resident import ResidentModel, ResidentModels
from service.generation.scheduler import Scheduler, Ticket
from service.generation.stopping import StopMatcher

DRAWN_SEED_BITS: Final = 53
"""A drawn seed is exact in every JSON reader, those included whose only number is a double."""
POLL_SECONDS: Final = 0.05

Alive = Callable[[], bool]


class TextGenerator:
    """Answers generation requests in any number of threads at once."""

    def __init__(self, models: ResidentModels, cache: GenerationCache, scheduler: Scheduler) -> None:
        self._models = models
        self._cache = cache
        self._scheduler = scheduler

    def generate(self, request: GenerationRequest, alive: Alive = lambda: True) -> Generation:
        """The result of a request. `alive` is asked now and then whether anybody still wants it.

        Raises UnknownCharactersError, BusyError, ClosedError, ClientGoneError, ModelUnavailableError and the model
        store's errors.
        """
        model = self._models.get(request.model)
        prompt, skipped = _encode(model.vocabulary, request)
        choices = self._cache.get(model.digest, request) if request.read_cache else None
        cached = choices is not None
        if choices is None:
            choices = self._choices(model, prompt, request, alive)
            if request.write_cache:
                self._cache.put(model.digest, request, choices)
        return Generation(model.name, model.version, choices, prompt.size, skipped, cached)

    def _choices(
        self, model: ResidentModel, prompt: Ids, request: GenerationRequest, alive: Alive
    ) -> tuple[Choice, ...]:
        first_seed = secrets.randbits(DRAWN_SEED_BITS) if request.seed is None else request.seed
        seeds = [choice_seed(first_seed, index) for index in range(request.n)]
        wake = threading.Event()
        tickets = [Ticket(_sequence(model, prompt, request, seed), wake, _watch(model, request)) for seed in seeds]
        self._scheduler.submit(model.engine, tickets)
        _wait(tickets, wake, alive)
        return tuple(
            _choice(model.vocabulary, prompt, request, seed, ticket.take())
            for seed, ticket in zip(seeds, tickets, strict=True)
        )


def _encode(vocabulary: Vocabulary, request: GenerationRequest) -> tuple[Ids, tuple[tuple[int, str], ...]]:
    if request.skip_unknown:
        ids, skipped = vocabulary.encode_known(request.prompt)
        return ids, tuple(skipped)
    return vocabulary.encode(request.prompt), ()


def _sequence(model: ResidentModel, prompt: Ids, request: GenerationRequest, seed: int) -> Sequence:
    """An empty prompt is taken to follow the vocabulary's start, which is not part of the text."""
    read = prompt if prompt.size else np.array([model.vocabulary.start_id], dtype=np.int32)
    score = request.echo and request.sampling.logprobs is not None and prompt.size > 0
    return Sequence(read, request.length, replace(request.sampling, seed=seed), score=score)


def _watch(model: ResidentModel, request: GenerationRequest) -> Callable[[Ids], bool] | None:
    if not request.stop:
        return None
    matcher = StopMatcher(request.stop)

    def watch(ids: Ids) -> bool:
        matcher.feed(model.vocabulary.decode(ids))
        return matcher.stopped

    return watch


def _wait(tickets: list[Ticket], wake: threading.Event, alive: Alive) -> None:
    """Until all are done. Raises ClientGoneError, having given the places up, when nobody waits any more."""
    while not all(ticket.done for ticket in tickets):
        if wake.wait(POLL_SECONDS):
            wake.clear()
        elif not alive():
            for ticket in tickets:
                ticket.cancel()
            raise ClientGoneError("the client hung up")


@dataclass(frozen=True, slots=True)
class _Generated:
    """What the engine made of a sequence, in one piece."""

    ids: Ids
    logprobs: Logprobs | None
    prompt_logprobs: Logprobs | None


def _joined(outputs: list[Output]) -> _Generated:
    ids = np.concatenate([output.ids for output in outputs]) if outputs else np.empty(0, np.int32)
    parts = [output.logprobs for output in outputs if output.logprobs is not None]
    logprobs = (
        Logprobs(*(np.concatenate([getattr(p, f) for p in parts]) for f in ("chosen", "top_ids", "top")))
        if parts
        else None
    )
    return _Generated(ids, logprobs, next((o.prompt_logprobs for o in outputs if o.prompt_logprobs), None))


def _choice(
    vocabulary: Vocabulary, prompt: Ids, request: GenerationRequest, seed: int, outputs: list[Output]
) -> Choice:
    made = _joined(outputs)
    text, tokens, stopped = _cut(vocabulary.decode(made.ids), request.stop)
    logprobs = None
    if request.sampling.logprobs is not None:
        before = _token_logprobs(vocabulary, prompt, made.prompt_logprobs) if request.echo else ()
        logprobs = before + _token_logprobs(vocabulary, made.ids[: len(text)], made.logprobs)
    if request.echo:
        text = vocabulary.decode(prompt) + text
    return Choice(text, seed, "stop" if stopped else "length", tokens, logprobs)


def _cut(text: str, stops: tuple[str, ...]) -> tuple[str, int, bool]:
    """The text before the first stop text, how many tokens were generated until it was complete, whether there was."""
    if not stops:
        return text, len(text), False
    matcher, passed = StopMatcher(stops), []
    for count, character in enumerate(text, start=1):
        passed.append(matcher.feed(character))
        if matcher.stopped:
            return "".join(passed), count, True
    return "".join(passed) + matcher.flush(), len(text), False


def _token_logprobs(vocabulary: Vocabulary, ids: Ids, logprobs: Logprobs | None) -> tuple[TokenLogprobs, ...]:
    if logprobs is None:
        return ()
    return tuple(_token(vocabulary, token, logprobs, at) for at, token in enumerate(vocabulary.decode(ids)))


def _token(vocabulary: Vocabulary, token: str, logprobs: Logprobs, at: int) -> TokenLogprobs:
    chosen = float(logprobs.chosen[at])
    if np.isnan(chosen):
        return TokenLogprobs(token, None)
    likeliest = zip(vocabulary.decode(logprobs.top_ids[at]), logprobs.top[at].tolist(), strict=True)
    return TokenLogprobs(token, chosen, tuple(likeliest))
