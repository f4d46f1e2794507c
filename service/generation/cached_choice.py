"""What the cache has of a choice: its first ids and the state after them, from which it can be cut or extended; knows
no Redis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from charrnn.config import ModelConfig
from charrnn.engine.base import Logprobs, Output, State
from charrnn.engine.state_bytes import unpacked
from charrnn.vocabulary import Ids
from service.generation.requests import GenerationRequest

LARGEST_BYTES: Final = 1 << 20
"""Larger results are not cached: this is enough for the 20 likeliest ids at some 6,000 tokens."""

_NO_IDS: Final = np.zeros(0, dtype=np.int32)


@dataclass(frozen=True, eq=False, slots=True)
class CachedChoice:
    """The first ids [n] of a choice, and their log-probabilities and those of the prompt [p], if they are asked for."""

    seed: int
    ids: Ids
    final: bool = False
    """Whether the choice ends with them before its length."""
    state: bytes | None = None
    """The state after them, as charrnn.engine.state_bytes packs it; None if it is not known."""
    logprobs: Logprobs | None = None
    prompt_logprobs: Logprobs | None = None

    def beginning(self, request: GenerationRequest, config: ModelConfig) -> Beginning:
        """What a choice of the request begins with; nothing but its seed, if a state is needed that is not known.
        Raises ValueError for a state that a network with this config cannot have."""
        cut = self._cut(request.length)
        if cut.final or cut.ids.size == request.length:
            if not request.with_continuation or cut.state is not None:
                return Beginning(cut, is_whole=True)
        elif cut.state is not None and cut.ids.size:
            return Beginning(cut, unpacked(cut.state, config))
        return Beginning(CachedChoice(self.seed, _NO_IDS))

    def extended(self, other: CachedChoice) -> CachedChoice:
        """The longer of the two, which one seed gave; of equally long ones that which has a state."""
        is_longer = (other.ids.size, other.state is not None) > (self.ids.size, self.state is not None)
        return other if is_longer or other.seed != self.seed else self

    def _cut(self, length: int) -> CachedChoice:
        if self.ids.size <= length:
            return self
        logprobs = None if self.logprobs is None else self.logprobs[:length]
        return CachedChoice(self.seed, self.ids[:length], logprobs=logprobs, prompt_logprobs=self.prompt_logprobs)


Entry = tuple[CachedChoice, ...]
"""All choices of a request."""


@dataclass(frozen=True, eq=False, slots=True)
class Beginning:
    """What a choice begins with: all of it if it `is_whole`, otherwise it goes on from `state`, if there is one."""

    choice: CachedChoice
    state: State | None = None
    is_whole: bool = False

    def output(self, end_id: int | None) -> Output:
        """As if an engine had generated it."""
        choice = self.choice
        ended = choice.ids.size > 0 and choice.ids[-1].item() == end_id
        completed = self.is_whole and choice.final and not ended
        return Output(0, choice.ids, self.is_whole, choice.logprobs, choice.prompt_logprobs, ended, completed)


class Recording:
    """Collects the outputs of a choice for the cache, after the beginning that it has of it. What becomes too large is
    dropped."""

    def __init__(self, beginning: Beginning | None) -> None:
        self._ids = bytearray()  # a list of small arrays would take many times as much
        self._logprobs: list[Logprobs] = []
        self._prompt_logprobs: Logprobs | None = None
        self._left = LARGEST_BYTES
        if beginning is not None:
            self.add(beginning.output(None))

    @property
    def is_too_large(self) -> bool:
        """Whether the choice is not going to be cached."""
        return self._left < 0

    def add(self, output: Output) -> None:
        """Called by the batch's thread."""
        if self._left < 0:
            return
        self._left -= output.ids.size
        self._ids += output.ids.tobytes()
        if output.logprobs is not None:
            self._left -= output.logprobs.nbytes
            self._logprobs.append(output.logprobs)
        if output.prompt_logprobs is not None:
            self._left -= output.prompt_logprobs.nbytes
            self._prompt_logprobs = output.prompt_logprobs
        if self._left < 0:
            self._ids.clear()
            self._logprobs.clear()

    def choice(self, seed: int, tokens: int, state: bytes | None, *, final: bool) -> CachedChoice | None:
        """The first `tokens` ids; None if they are too large."""
        if self.is_too_large:
            return None
        ids = np.frombuffer(self._ids, np.int32, tokens)
        logprobs = Logprobs.joined(self._logprobs)[:tokens] if self._logprobs else None
        return CachedChoice(seed, ids, final, state, logprobs, self._prompt_logprobs)
