"""The sequences in a batch, the same for every engine: what is checked when one is added, its counter, and its outputs;
does not compute anything."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from charrnn.config import ModelConfig
from charrnn.engine.base import Logprobs, Output, Sequence, Series, State
from charrnn.engine.fitting import check_fit
from charrnn.engine.steering import check_held
from charrnn.sampling import RECENT_IDS, Flags, Logits, bias_of
from charrnn.vocabulary import Ids


@dataclass(eq=False, slots=True)
class Member:
    """A sequence in a batch.

    `ids` [n] int32 are all its ids in a row: the prompt's `prompt_size` (the first of them is the last id of the state,
    if the sequence continues from one), then the chosen ones, undefined until chosen; n is less than expected once the
    sequence has `ended` or been `completed` by its pattern. The network has read the first `computed` of them; the next
    one is known but not yet read.
    This is the only counter: a step adds 1, and everything else follows from it. `logprobs` [n or more] are those of
    `ids`, None unless requested; `bias` [outputs] is added to the logits, None for no bias; the outputs so far cover
    the first `reported` ids.
    """

    handle: int
    slot: int
    sequence: Sequence
    bias: Logits | None
    ids: Ids
    prompt_size: int
    logprobs: Logprobs | None
    computed: int = 0
    reported: int = 0
    ended: bool = False
    completed: bool = False

    @classmethod
    def of(cls, handle: int, slot: int, sequence: Sequence, bias: Logits | None, outputs: int) -> Member:
        """The sequence in this slot, before its first step; `outputs` is how many ids can be chosen."""
        first = 0 if sequence.state is None else 1
        prompt_size = first + len(sequence.prompt)
        over = sequence.fit is not None and sequence.fit.is_over(sequence.length)
        ids = np.empty(prompt_size + (0 if over else sequence.length), dtype=np.int32)
        if sequence.state is not None:
            ids[0] = sequence.state.last_id
        ids[first:prompt_size] = sequence.prompt
        logprobs, asked = None, sequence.sampling.logprobs
        if sequence.score or asked is not None:
            logprobs = _logprobs(ids.size, min(asked or 0, outputs))
        return cls(handle, slot, sequence, bias, ids, prompt_size, logprobs, completed=over)

    @property
    def last_id(self) -> int:
        """The newest id, not yet read."""
        return int(self.ids[self.computed])

    @property
    def id_before_last(self) -> int:
        """The id before the newest, -1 where there is none."""
        if self.computed:
            return int(self.ids[self.computed - 1])
        state = self.sequence.state
        return int(state.recent[-2]) if state is not None and state.recent.size > 1 else -1

    @property
    def remaining(self) -> int:
        """How many steps remain until the sequence is done."""
        return self.ids.size - 1 - self.computed

    @property
    def position(self) -> int:
        """The index of the next random number."""
        before = self.sequence.state.position if self.sequence.state else 0
        return before + max(0, self.computed + 1 - self.prompt_size)

    @property
    def held_from(self) -> int:
        """From which step on cells are held: the one that reads the id with this index."""
        return self.prompt_size - 1 - self.sequence.steered

    @property
    def reported_ids(self) -> range:
        """The indices of those of `ids` whose log-probabilities are requested."""
        stop = self.ids.size if self.sequence.sampling.logprobs is not None else self.prompt_size
        return range(1 if self.sequence.score else self.prompt_size, stop)

    def advance_to(self, computed: int, *, completed: bool = False) -> None:
        """Count how many ids the network has read by now; the next one is in `ids`, and the last one if the pattern has
        `completed` the text. If `end_id` is among the chosen ones, the sequence ends with it, and what follows does not
        count."""
        first = max(self.computed + 1, self.prompt_size)
        self.computed = computed
        if completed:
            self.completed, self.ids = True, self.ids[: computed + 1]
        if self.sequence.end_id is None:
            return
        ends = np.flatnonzero(self.ids[first : computed + 1] == self.sequence.end_id)
        if ends.size:
            self.computed, self.ended = first + int(ends[0]), True
            self.ids = self.ids[: self.computed + 1]

    def latest(self) -> tuple[Ids, Flags]:
        """Copies of the latest ids [n], the newest last, at most RECENT_IDS, and which of them [n] were generated."""
        known = self.computed + 1
        start = max(0, known - RECENT_IDS)
        ids, generated = self.ids[start:known].copy(), np.zeros(known - start, dtype=np.bool_)
        generated[max(0, self.prompt_size - start) :] = True
        if start > 0 or (state := self.sequence.state) is None:
            return ids, generated
        ids, generated = np.concatenate((state.recent, ids[1:])), np.concatenate((state.generated, generated[1:]))
        return ids[-RECENT_IDS:], generated[-RECENT_IDS:]

    def state(self, hidden: npt.NDArray[np.float32]) -> State:
        """The state of the sequence, given its hidden state [layers, state_parts, hidden_size]."""
        return State(hidden, self.last_id, self.position, *self.latest())

    def output(self) -> Output | None:
        """What is new since the last output: ids, whether these were the last, the prompt's log-probabilities once it
        is read; None if nothing is new."""
        known, first = self.computed + 1, self.reported
        done = known == len(self.ids)
        if known < self.prompt_size or (known == first and not (done and self.completed)):
            return None
        self.reported = known
        scored = first == 0 and self.sequence.score
        first = first or self.prompt_size  # the prompt's ids are not reported
        if first == known and not (done or scored):
            return None
        completed = done and self.completed
        if self.logprobs is None:
            return Output(self.handle, self.ids[first:known], done, ended=self.ended, completed=completed)
        asked, before = self.sequence.sampling.logprobs, 0 if self.sequence.state is None else 1
        return Output(
            self.handle,
            self.ids[first:known],
            done,
            None if asked is None else _rows(self.logprobs, slice(first, known)),
            _rows(self.logprobs, slice(before, self.prompt_size)) if scored else None,
            self.ended,
            completed,
        )


class Members:
    """The members of a batch, each in a slot of its own, 0 to `capacity` - 1, until it is removed.

    Raises ValueError when the capacity is less than 1.
    """

    def __init__(self, config: ModelConfig, capacity: int) -> None:
        if capacity < 1:
            raise ValueError(f"capacity must be at least 1, not {capacity}")
        self._config = config
        self._by_handle: dict[int, Member] = {}
        self._free = list(range(capacity - 1, -1, -1))
        self._done_at_once: list[Member] = []
        self._handles = 0
        self.by_slot: dict[int, Member] = {}

    def __len__(self) -> int:
        return len(self._by_handle)

    def __getitem__(self, handle: int) -> Member:
        """Raises KeyError for an unknown handle."""
        return self._by_handle[handle]

    def add(self, sequence: Sequence) -> Member:
        """The sequence in a free slot.

        Raises ValueError as `check` and `bias_of` do, and OverflowError when all slots are taken.
        """
        check(sequence, self._config)
        bias = bias_of(sequence.sampling, self._config.outputs)
        if not self._free:
            raise OverflowError(f"the batch is full with {len(self)} sequences")
        member = Member.of(self._handles, self._free.pop(), sequence, bias, self._config.outputs)
        self._by_handle[member.handle] = self.by_slot[member.slot] = member
        self._handles += 1
        if not member.remaining:
            self._done_at_once.append(member)
        return member

    def remove(self, handle: int) -> Member:
        """Free the slot and return its member. Raises KeyError for an unknown handle."""
        member = self._by_handle.pop(handle)
        del self.by_slot[member.slot]
        self._free.append(member.slot)
        return member

    def active(self) -> list[Member]:
        """The members that are not done, in the order in which they were added."""
        return [member for member in self._by_handle.values() if member.remaining]

    def done_at_once(self) -> list[Member]:
        """The members that were done when they were added; each is returned once."""
        found, self._done_at_once = self._done_at_once, []
        return [member for member in found if member.handle in self._by_handle]


def outputs_of(members: Iterable[Member]) -> list[Output]:
    """The outputs of the members that have anything new."""
    return [output for member in members if (output := member.output()) is not None]


def check(sequence: Sequence, config: ModelConfig) -> None:
    """Raises ValueError, naming the bound and the value, for a negative length, an id outside the vocabulary, an end
    that cannot be chosen, a state of another shape, when there is neither a prompt nor a state, when an id that cannot
    be read, as a label may be, would be followed by others, for more steered ids than the prompt has, and as
    `check_held` and `check_fit` do."""
    if sequence.length < 0:
        raise ValueError(f"length must be at least 0, not {sequence.length}")
    if sequence.length > 1 and config.outputs > config.vocabulary_size:
        raise ValueError(f"length must be at most 1 where labels are chosen, not {sequence.length}")
    if sequence.end_id is not None and not 0 <= sequence.end_id < config.outputs:
        raise ValueError(f"end_id must be from 0 to {config.outputs - 1}, not {sequence.end_id}")
    _check_ids(sequence.prompt, config.vocabulary_size)
    if sequence.state is not None:
        _check_ids(np.append(sequence.state.recent, sequence.state.last_id), config.vocabulary_size)
        if sequence.state.hidden.shape != config.state_shape:
            raise ValueError(f"the state must have shape {config.state_shape}, not {sequence.state.hidden.shape}")
    elif not len(sequence.prompt):
        raise ValueError("a sequence needs a prompt of at least one id, or a state to continue from")
    if not 0 <= sequence.steered <= len(sequence.prompt):
        raise ValueError(f"steered must be from 0 to {len(sequence.prompt)}, not {sequence.steered}")
    check_held(sequence.held, config)
    check_fit(sequence, config.outputs)


def check_series(series: Series, config: ModelConfig) -> None:
    """Raises ValueError as `check` does for a candidate, for a series without ids or candidates, and when
    log-probabilities are requested."""
    check(series.sequence(series.first), config)
    if series.length < 1:
        raise ValueError(f"length must be at least 1, not {series.length}")
    if series.first < 0:
        raise ValueError(f"first must be at least 0, not {series.first}")
    if series.stop is not None and series.stop < series.first:
        raise ValueError(f"stop must be at least {series.first}, not {series.stop}")
    if series.sampling.logprobs is not None:
        raise ValueError("a series has no log-probabilities")


def _check_ids(ids: Ids, vocabulary_size: int) -> None:
    if len(ids) and not (ids.min() >= 0 and ids.max() < vocabulary_size):
        raise ValueError(f"ids must be from 0 to {vocabulary_size - 1}, not {ids.min()} to {ids.max()}")


def _logprobs(n: int, top: int) -> Logprobs:
    """Log-probabilities of n ids, to be filled in; those of the first are NaN."""
    chosen = np.empty(n, dtype=np.float32)
    top_ids, tops = np.zeros((n, top), dtype=np.int32), np.empty((n, top), dtype=np.float32)
    chosen[:1], tops[:1] = np.nan, np.nan
    return Logprobs(chosen, top_ids, tops)


def _rows(logprobs: Logprobs, rows: slice) -> Logprobs:
    return Logprobs(logprobs.chosen[rows], logprobs.top_ids[rows], logprobs.top[rows])
