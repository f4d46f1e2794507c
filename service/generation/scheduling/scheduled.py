"""One sequence from its submission until its end, shared by the request's thread and the one that advances batches."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from charrnn.engine.base import Logprobs, Output, Sequence, State

CHECKPOINT_TOKENS: Final = 256
"""How many tokens are generated between two checkpoints, at least: so many take a few milliseconds to generate again,
and a copy of a state costs little more than one."""

TURN_TOKENS: Final = 256
"""After how many tokens a sequence leaves its place to one of another request that waits: of all the places, so many
take some hundredths of a second."""

PART_TOKENS: Final = 512
"""So many tokens of a long prompt are read in one turn. Parts of 256 cost a fifth more time than reading at once, these
half as much."""

_NO_IDS: Final = np.zeros(0, dtype=np.int32)


@dataclass(frozen=True, eq=False, slots=True)
class Checkpoint:
    """The state of a sequence after its first `tokens` generated ids."""

    state: State
    tokens: int


class ScheduledSequence:
    """A sequence that is waiting, being generated, or has ended.

    `receive` gets each output, in the thread that advances the batch, and ends the sequence by returning True. `wake`
    is set when the sequence has ended and, with `stream`, at every output; several sequences may share it. With
    `keeps_end`, the state is kept in which the engine ended it and, with `keeps_checkpoints`, some before that. After
    `pauses` of its steps, ascending and at least 1, its state is kept in `states`.
    """

    def __init__(
        self,
        sequence: Sequence,
        receive: Callable[[Output], bool | None],
        wake: threading.Event,
        *,
        stream: bool = False,
        keeps_end: bool = False,
        keeps_checkpoints: bool = False,
        pauses: Iterable[int] = (),
    ) -> None:
        self.sequence = sequence
        """What the engine gets next: all of it, or the next part of a long prompt."""
        self.cancelled = False
        self.done = False
        """Whether no more outputs follow, for whatever reason."""
        self.error: BaseException | None = None
        """The error of the engine or the scheduler; set before `done`, after the last output."""
        self.started_at = 0.0
        """When it first joined a batch, by the scheduler's clock."""
        self.tokens = 0
        """Ids received so far."""
        self.checkpoint: Checkpoint | None = None
        """The latest one."""
        self.end: Checkpoint | None = None
        """The state after all ids received: with `keeps_end` once the engine has ended the sequence, and always if the
        scheduler gave it up while ids came."""
        self.states: list[State] = []
        """Those at the pauses so far."""
        self.pauses = deque(after - before for before, after in pairwise((0, *pauses)))
        """How many steps there are until the next one, and from each to the one after it."""
        self.keeps_end = keeps_end
        self._keeps_checkpoints = keeps_checkpoints
        self._receive = receive
        self._wake = wake
        self._stream = stream
        self._before = 0  # ids received before it joined its batch
        self._fitting: list[npt.NDArray[np.int32]] = []  # received since then, if they have to fit a pattern
        self._whole, self._unread = sequence, _NO_IDS
        self._prompt_logprobs: list[Logprobs] = []  # of the parts that were read
        if sequence.prompt.size > PART_TOKENS and not self.pauses and not sequence.steered:
            self._unread = sequence.prompt
            self._begin_part(sequence.state)

    @property
    def request(self) -> object:
        """Equal for the sequences of one request."""
        return self._wake

    @property
    def has_had_its_turn(self) -> bool:
        """For the scheduler: whether it may be suspended while others wait."""
        return not self.pauses and self.tokens - self._before >= TURN_TOKENS

    @property
    def turn(self) -> int:
        """For the scheduler: how many tokens it may have before it leaves its place."""
        return self.sequence.prompt.size + min(TURN_TOKENS, self.sequence.length)

    @property
    def has_unread_prompt(self) -> bool:
        """For the scheduler: whether the engine has only a part of the prompt, and ends when that is read."""
        return self._unread.size > 0

    def read_on(self, output: Output, state: State) -> None:
        """For the scheduler: a part of the prompt was read, with this output; the next one follows later."""
        if output.prompt_logprobs is not None:
            self._prompt_logprobs.append(output.prompt_logprobs)
        self._begin_part(state)

    def suspend(self, state: State) -> None:
        """For the scheduler: it leaves its batch in this state, after all ids received, and goes on in it later."""
        sequence, new = self.sequence, self.tokens - self._before
        fit = sequence.fit
        if fit is not None:
            fit = replace(fit, state=fit.automaton.after(fit.state, chain.from_iterable(self._fitting)))
        self.sequence = replace(
            sequence, prompt=_NO_IDS, length=sequence.length - new, state=state, score=False, steered=0, fit=fit
        )
        self._before = self.tokens
        self._fitting.clear()

    def give_up(self, error: BaseException) -> None:
        """For the scheduler: end it with this error while it waits; if ids came, with the state in which it can go on
        elsewhere."""
        if self.tokens and self.sequence.state is not None:
            self.end = Checkpoint(self.sequence.state, self.tokens)
        self.finish(error)

    @property
    def needs_checkpoint(self) -> bool:
        """For the scheduler: whether `checkpoint` is to be replaced before the next step."""
        if not self._keeps_checkpoints:
            return False
        if self.checkpoint is None:
            return self.tokens > 0  # the prompt, which may be long, has been read
        return self.tokens - self.checkpoint.tokens >= CHECKPOINT_TOKENS

    def advance(self, steps: int) -> bool:
        """For the scheduler: count the steps of a sequence with pauses; returns whether one of them is now, and its
        state is to be kept."""
        self.pauses[0] -= steps
        if self.pauses[0]:
            return False
        self.pauses.popleft()
        return True

    def cancel(self) -> None:
        """Remove it from its batch, or from the queue, before the next step; may be called by any thread."""
        self.cancelled = True

    def deliver(self, output: Output) -> bool:
        """For the scheduler: pass on an output; returns whether the sequence has ended with it."""
        self.tokens += output.ids.size
        if self.sequence.fit is not None:
            self._fitting.append(output.ids)
        if self._prompt_logprobs and output.prompt_logprobs is not None:
            output.prompt_logprobs = Logprobs.joined([*self._prompt_logprobs, output.prompt_logprobs])
            self._prompt_logprobs.clear()
        ended = bool(self._receive(output)) or output.done
        if ended:
            self.finish()
        elif self._stream:
            self._wake.set()
        return ended

    def finish(self, error: BaseException | None = None) -> None:
        """For the scheduler: end the sequence."""
        self.error = error
        self.done = True
        self._wake.set()

    def _begin_part(self, state: State | None) -> None:
        part, self._unread = self._unread[:PART_TOKENS], self._unread[PART_TOKENS:]
        length, fit = (0, None) if self._unread.size else (self._whole.length, self._whole.fit)
        self.sequence = replace(self._whole, prompt=part, length=length, state=state, fit=fit)
