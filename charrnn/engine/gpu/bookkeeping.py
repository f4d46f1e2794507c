"""The bookkeeping of one sequence in a batch, from the logits that its network gives to what it reports; knows neither
the network nor its neighbours."""

from __future__ import annotations

from collections import deque

import numpy as np
import numpy.typing as npt

from charrnn.config import ModelConfig
from charrnn.engine.base import Logprobs, Output, Sequence, State
from charrnn.following import Following
from charrnn.sampling import RECENT_IDS, Flags, Logits, bias_of, choose, log_softmax
from charrnn.vocabulary import Ids

_Logprob = tuple[float, npt.NDArray[np.int32], npt.NDArray[np.float32]]
"""Of one position: the logarithm of the id that stands there, the k likeliest ids and theirs."""


def check(sequence: Sequence, config: ModelConfig) -> None:
    """Raises ValueError when the sequence cannot be generated: no prompt and no state, ids outside the vocabulary, a
    negative length, a state of another network, and what `bias_of` raises."""
    prompt, state = sequence.prompt, sequence.state
    if not prompt.size and state is None:
        raise ValueError("prompt must have at least one id when there is no state")
    if sequence.length < 0:
        raise ValueError(f"length must be at least 0, not {sequence.length}")
    ids = [*prompt.tolist(), state.last_id] if state else prompt.tolist()
    if not 0 <= min(ids) <= max(ids) < config.vocabulary_size:
        raise ValueError(f"ids must be from 0 to {config.vocabulary_size - 1}, not {min(ids)} to {max(ids)}")
    if state and state.hidden.shape != config.state_shape:
        raise ValueError(f"a state's hidden must be {config.state_shape}, not {state.hidden.shape}")
    bias_of(sequence.sampling, config.vocabulary_size)


class Row:
    """A sequence on its way. Each time `next_id` has been read, `read` takes the logits of what follows it; `output`
    says what is new since it last said something."""

    def __init__(self, sequence: Sequence, vocabulary_size: int, following: Following | None = None) -> None:
        state = sequence.state
        self._sequence = sequence
        self._following = following
        self._sampling = sequence.sampling
        self._top = min(sequence.sampling.logprobs or 0, vocabulary_size)
        self._unread = deque[int](sequence.prompt.tolist())  # never empty: the newest id is always still to be read
        if state is not None:
            self._unread.appendleft(state.last_id)
        self._recent = deque(state.recent.tolist() if state else [self.next_id], maxlen=RECENT_IDS)
        self._generated = deque(state.generated.tolist() if state else [False], maxlen=RECENT_IDS)
        self._position = state.position if state else 0
        self._chosen = 0
        self._ids: list[int] = []
        self._logprobs: list[_Logprob] = []
        self._prompt_logprobs = [_nothing_before(self._top)] if state is None else []
        self._prompt_unreported = sequence.score
        self._done_unreported = True

    @property
    def next_id(self) -> int:
        """The id to be read next."""
        return self._unread[0]

    @property
    def done(self) -> bool:
        """Whether the prompt is there and all `length` ids are chosen."""
        return len(self._unread) == 1 and self._chosen == self._sequence.length

    def state(self, hidden: npt.NDArray[np.float32]) -> State:
        """The sequence's state, given its hidden state before `next_id` is read."""
        return State(hidden, self.next_id, self._position, *self._latest())

    def read(self, logits: Logits) -> None:
        """`next_id` has been read; `logits` [vocabulary_size] are those of its successor, which is chosen now if the
        prompt does not give it."""
        self._unread.popleft()
        chooses = not self._unread
        if chooses:
            self._choose(logits)
        elif self._sequence.score:
            self._prompt_logprobs.append(_logprob(logits, self.next_id, self._top))
        self._recent.append(self.next_id)
        self._generated.append(chooses)

    def _latest(self) -> tuple[Ids, Flags]:
        return np.array(self._recent, dtype=np.int32), np.array(self._generated, dtype=np.bool_)

    def _choose(self, logits: Logits) -> None:
        latest = self._latest()
        mask = None if self._following is None else self._following.mask(latest[0])
        new = choose(logits, self._sampling, *latest, self._position, mask)
        self._unread.append(new)
        self._ids.append(new)
        self._position += 1
        self._chosen += 1
        if self._sampling.logprobs is not None:
            self._logprobs.append(_logprob(logits, new, self._top))

    def output(self, handle: int) -> Output | None:
        """What is new; None: nothing."""
        scored = self._prompt_unreported and len(self._prompt_logprobs) == self._sequence.prompt.size
        if not (self._ids or scored or (self.done and self._done_unreported)):
            return None
        output = Output(
            handle,
            np.array(self._ids, dtype=np.int32),
            self.done,
            None if self._sampling.logprobs is None else _stacked(self._logprobs, self._top),
            _stacked(self._prompt_logprobs, self._top) if scored else None,
        )
        self._ids, self._logprobs = [], []
        self._prompt_unreported = self._prompt_unreported and not scored
        self._done_unreported = not self.done
        return output


def _logprob(logits: Logits, chosen: int, top: int) -> _Logprob:
    logarithms = log_softmax(logits)
    best = np.argsort(-logarithms, kind="stable")[:top].astype(np.int32)
    return float(logarithms[chosen]), best, logarithms[best]


def _nothing_before(top: int) -> _Logprob:
    """A text's first id follows nothing: there is no logarithm, and no likeliest id (-1)."""
    return float("nan"), np.full(top, -1, dtype=np.int32), np.full(top, np.nan, dtype=np.float32)


def _stacked(logprobs: list[_Logprob], top: int) -> Logprobs:
    shape = (len(logprobs), top)
    return Logprobs(
        np.array([chosen for chosen, _, _ in logprobs], dtype=np.float32),
        np.array([ids for _, ids, _ in logprobs], dtype=np.int32).reshape(shape),
        np.array([best for _, _, best in logprobs], dtype=np.float32).reshape(shape),
    )
