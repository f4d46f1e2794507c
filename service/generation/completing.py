"""Completes prompts with what most likely comes next, in slices of the scheduler's time; knows no HTTP."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from collections.abc import Sequence as Items
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, TypeVar

from charrnn.completing import Completion, CompletionSearch
from charrnn.endings import Until
from charrnn.engine.base import Output, Sequence, State
from charrnn.patterns.compiling import Pattern
from charrnn.vocabulary import Ids
from charrnn.words import token_counter
from service.generation.cancellation import NO_CLIENT, CancelScope, Client
from service.generation.compiled_patterns import CompiledPatterns, Wanted
from service.generation.errors import BusyError
from service.generation.fitting import Fitting, fitting
from service.generation.observer import NO_OBSERVER, GenerationObserver
from service.generation.requests import Skipped
from service.generation.resident import ResidentModel, ResidentModels
from service.generation.scheduling.scheduler import Scheduler
from service.generation.scheduling.slices import result_within
from service.generation.tasks import check_task
from service.generation.tokenization import read
from service.generation.typed_prompts import TypedPrompts

AT_ONCE: Final = 16
"""How many searches a process does at once."""
STEPS: Final = 32
"""Ids of a prompt that are read in a slice."""
KEPT: Final = 64
"""For how many versions and strings it is kept what ids do to a text."""

T = TypeVar("T")
Run = Callable[[Callable[[], T]], T]


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """What is to be completed, with every default filled in: the `n` likeliest texts of at most `length` tokens after
    the prompt, up to one of the strings `until`; only those that fit the pattern."""

    model: str
    prompt: str
    n: int
    length: int
    until: tuple[str, ...]
    pattern: Pattern | None = None
    skip_unknown: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class Completed:
    """The completions of a prompt, the likeliest first; `exact`: no other is likelier than the last one. Of the
    prompt's tokens, so many were read for earlier requests."""

    model: str
    version: int
    completions: tuple[Completion, ...]
    exact: bool
    prompt_tokens: int
    cached_prompt_tokens: int
    completion_tokens: int
    skipped: Skipped = ()
    pattern_skipped: tuple[str, ...] = ()


class Completer:
    """Completes a request's prompt within `timeout` seconds. There is no randomness, and nothing depends on what is
    generated meanwhile.

    Raises WrongTaskError for a model that does not generate, UnknownCharactersError, SeparatorError, BusyError, and
    what `fitting`, the scope, CompiledPatterns.get and ResidentModels.get raise.
    """

    def __init__(
        self,
        models: ResidentModels,
        scheduler: Scheduler,
        timeout: float | None = None,
        patterns: CompiledPatterns | None = None,
        *,
        observer: GenerationObserver = NO_OBSERVER,
        prompts: TypedPrompts | None = None,
        at_once: int = AT_ONCE,
    ) -> None:
        self._models = models
        self._scheduler = scheduler
        self._timeout = timeout
        self._patterns = patterns or CompiledPatterns()
        self._observer = observer
        self._prompts = prompts or TypedPrompts()
        self._at_once = at_once
        self._places = threading.BoundedSemaphore(at_once)
        self._untils: OrderedDict[tuple[str, int, tuple[str, ...]], Until] = OrderedDict()
        self._lock = threading.Lock()

    def complete(self, request: CompletionRequest, client: Client = NO_CLIENT) -> Completed:
        """What most likely follows the prompt."""
        model = self._models.get(request.model)
        check_task(model, "generate")
        prompt, skipped = read(model, request.prompt, request.skip_unknown)
        scope = CancelScope(client, self._timeout)
        fits = self._fitting(request, model, scope)
        with self._place():
            ids = model.arrangement.read(prompt, model.vocabulary)
            known, state = self._state_after(model, ids, scope)
            search = self._search(request, model, fits)
            tree = model.engine.tree(state, search.most_nodes)
            found = search.search(tree, state.recent.tolist(), self._slices(scope))
        self._observer.completed(found.nodes, exact=found.exact)
        count = token_counter(model.vocabulary.level)
        return Completed(
            *(model.name, model.version, found.found, found.exact, prompt.size),
            cached_prompt_tokens=max(0, known - (ids.size - prompt.size)),
            completion_tokens=sum(count(each.text) for each in found.found),
            skipped=skipped,
            pattern_skipped=() if fits is None else fits.skipped,
        )

    def _fitting(self, request: CompletionRequest, model: ResidentModel, scope: CancelScope) -> Fitting | None:
        if request.pattern is None:
            return None
        return fitting(self._patterns.get(Wanted(request.pattern), model, scope), model.vocabulary, request.length)

    def _search(self, request: CompletionRequest, model: ResidentModel, fits: Fitting | None) -> CompletionSearch:
        vocabulary, automaton = model.vocabulary, None if fits is None else fits.compiled.automaton
        until = self._until(request.until, model)
        return CompletionSearch(request.n, request.length, until, vocabulary.end_id, vocabulary.following, automaton)

    def _until(self, strings: tuple[str, ...], model: ResidentModel) -> Until:
        """What the version's ids do to a text that ends at one of the strings."""
        vocabulary, outputs = model.vocabulary, model.config.outputs
        key = (vocabulary.digest, outputs, strings)
        with self._lock:
            if (found := self._untils.get(key)) is not None:
                self._untils.move_to_end(key)
                return found
        barred = [each for each in (vocabulary.unknown_id, vocabulary.end_id) if each is not None]
        made = Until(vocabulary.tokens_of(range(outputs)), strings, barred)
        with self._lock:
            self._untils[key] = made
            while len(self._untils) > KEPT:
                self._untils.popitem(last=False)
        return made

    def _state_after(self, model: ResidentModel, ids: Ids, scope: CancelScope) -> tuple[int, State]:
        """How many of the ids an earlier prompt had, and the state after all of them."""
        version = model.digest, model.engine.precision
        known, state = self._prompts.longest(version, ids)
        if known < ids.size or state is None:
            batch = model.engine.batch(1)
            handle = batch.add(Sequence(ids[known:], 0, state=state))
            run: Run[Items[Output]] = self._slices(scope)
            while not any(output.done for output in run(lambda: batch.step(STEPS))):
                pass
            state = batch.state(handle)
            self._prompts.keep(version, ids, state)
        return known, state

    def _slices(self, scope: CancelScope) -> Run[T]:
        def run(step: Callable[[], T]) -> T:
            scope.check()
            return result_within(scope, self._scheduler.submit_slice(step))

        return run

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._places.acquire(blocking=False):
            raise BusyError(self._at_once, of="completions are being searched for already")
        try:
            yield
        finally:
            self._places.release()
