"""Reads long prompts once: before their texts are generated, for all choices together, from the longest prefix whose
state is known."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from charrnn.engine.base import Sequence as EngineSequence
from charrnn.engine.base import State
from service.generation.admission import Admitted, KnownPrefix
from service.generation.cancellation import CancelScope
from service.generation.observer import NO_OBSERVER, GenerationObserver
from service.generation.prefix_states import SPACING, PrefixStates, kept_prefixes, prefix_keys
from service.generation.reading import run_all
from service.generation.scheduling.scheduled import ScheduledSequence
from service.generation.scheduling.scheduler import Scheduler
from service.generation.single_flight import SingleFlight

FEWEST: Final = 1024
"""Shorter prompts, in ids, are read by each choice. To keep the states of one takes as long as reading some hundred,
which is lost if it is never seen again; benchmarks/README.md has the figures."""


@dataclass(frozen=True, eq=False, slots=True)
class _LongPrompt:
    """A request with a long prompt: the keys of its prefixes, of which the state after the first `known` is known."""

    admitted: Admitted
    keys: list[str]
    known: int
    state: State | None

    @property
    def key(self) -> str:
        """That of its last prefix."""
        return self.keys[-1]

    @property
    def kept(self) -> list[int]:
        """The numbers of the prefixes after which the reading pauses."""
        return kept_prefixes(self.known, len(self.keys))

    def scheduled(self, wake: threading.Event) -> ScheduledSequence:
        """The sequence that reads from the known state to the end of the last prefix."""
        start = self.admitted.state if self.state is None else self.state
        ids = self.admitted.ids[self.known * SPACING : len(self.keys) * SPACING]
        # The last id that is known is not read yet: without a state that is one of these.
        first = self.known * SPACING + (start is None)
        pauses = [number * SPACING - first for number in self.kept]
        return ScheduledSequence(EngineSequence(ids, 0, state=start), lambda _: None, wake, pauses=pauses)

    def read(self, state: State, known: int) -> Admitted:
        """The request, whose sequences go on from the state after the last prefix."""
        admitted = self.admitted
        marks = admitted.ids.size - admitted.prompt.size
        prefix = KnownPrefix(len(self.keys) * SPACING, state)
        return replace(admitted, prefix=prefix, cached_prompt_tokens=max(0, known * SPACING - marks))


class PromptReader:
    """Reads prompts of `fewest` ids and more with the scheduler, as texts are generated, and keeps the states in
    `states`. The same prompt that several threads want at the same time is read once."""

    def __init__(
        self,
        scheduler: Scheduler,
        states: PrefixStates,
        observer: GenerationObserver = NO_OBSERVER,
        fewest: int = FEWEST,
    ) -> None:
        self._scheduler = scheduler
        self._states = states
        self._observer = observer
        self._fewest = fewest
        self._single_flight: SingleFlight[str, State] = SingleFlight()

    def read(self, admitted: Sequence[Admitted], scope: CancelScope) -> list[Admitted]:
        """The requests; those with long prompts go on from the state after their last prefix. Raises what
        `Scheduler.submit`, the scope and the engine raise."""
        long = {index: self._looked_up(each) for index, each in enumerate(admitted) if self._is_long(each)}
        if not long:
            return list(admitted)
        unread = {each.key: each for each in long.values() if each.known < len(each.keys)}
        states = self._single_flight.once(unread, lambda keys: self._read([unread[key] for key in keys], scope), scope)
        return [self._gone_on(long[index], states) if index in long else each for index, each in enumerate(admitted)]

    def _is_long(self, admitted: Admitted) -> bool:
        """Whether the prompt is long, and only the state at its end is wanted: by several choices, by later requests,
        or to find the state at a stop text without reading the prompt again."""
        if admitted.prompt.size < self._fewest or admitted.scores_prompt or not admitted.reads_prompt:
            return False
        request = admitted.request
        again = request.n > 1 or (request.with_continuation and bool(request.stop))
        return again or request.read_cache or request.write_cache

    def _looked_up(self, admitted: Admitted) -> _LongPrompt:
        model, start = admitted.model, admitted.request.start
        version = model.digest, model.engine.precision
        keys = prefix_keys(version, b"" if start is None else start.state, admitted.ids)
        known, state = self._states.longest(keys, model.config) if admitted.request.read_cache else (0, None)
        return _LongPrompt(admitted, keys, known, state)

    def _read(self, prompts: Sequence[_LongPrompt], scope: CancelScope) -> list[State]:
        wake = threading.Event()
        scheduled = [(each.admitted.model.engine, each.scheduled(wake)) for each in prompts]
        try:
            run_all(self._scheduler, scheduled, wake, scope)
        finally:  # what was read of a prompt that takes too long need not be read again
            for prompt, (_, each) in zip(prompts, scheduled, strict=True):
                if prompt.admitted.request.write_cache:
                    keys = [prompt.keys[number - 1] for number in prompt.kept]
                    self._states.keep(dict(zip(keys, list(each.states), strict=False)))
        return [each.states[-1] for _, each in scheduled]

    def _gone_on(self, prompt: _LongPrompt, states: Mapping[str, tuple[State, bool]]) -> Admitted:
        state, joined = states.get(prompt.key, (prompt.state, True))
        assert state is not None
        found = prompt.read(state, len(prompt.keys) if joined else prompt.known)
        self._observer.prompt_read(found.prompt.size, found.cached_prompt_tokens)
        return found
