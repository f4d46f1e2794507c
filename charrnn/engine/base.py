"""What a scheduler sees of any engine: sequences go into a batch, the batch steps, ids come out."""

from __future__ import annotations

from collections.abc import Sequence as Items
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from charrnn.sampling import Flags, SamplingParams
from charrnn.vocabulary import Ids


@dataclass(frozen=True, eq=False, slots=True)
class State:
    """What a sequence remembers: its whole future depends on this and its parameters, however long its past is.

    `hidden` [layers, state_parts, hidden_size] float32, after reading everything but `last_id`; `last_id` the newest
    id, not yet read; `position` how many ids have been generated, which is the index of the next random number;
    `recent` [n] the latest ids, the newest last, at most RECENT_IDS; `generated` [n] which of them were generated, not
    read.
    """

    hidden: npt.NDArray[np.float32]
    last_id: int
    position: int
    recent: Ids
    generated: Flags


@dataclass(frozen=True, eq=False, slots=True)
class Sequence:
    """A text to be generated: read `prompt`, then choose `length` ids.

    The prompt has at least one id unless `state` is given, from which the sequence then goes on (a prompt given as
    well is read after the state's last id). With `score`, logarithms are reported for the prompt's ids too; `length`
    may be 0 then.
    """

    prompt: Ids
    length: int
    sampling: SamplingParams = field(default_factory=SamplingParams)
    state: State | None = None
    score: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class Logprobs:
    """Natural logarithms for n positions in a row: `chosen` [n] of the ids that stand there, `top_ids` [n, k] and
    `top` [n, k] of the k likeliest, best first. The first id of a text follows nothing: its `chosen` is NaN."""

    chosen: npt.NDArray[np.float32]
    top_ids: npt.NDArray[np.int32]
    top: npt.NDArray[np.float32]


@dataclass(eq=False, slots=True)  # one a sequence and call: frozen ones take twice as long to make
class Output:
    """What the latest steps made of one sequence: new `ids`; with logprobs asked, theirs in `logprobs`; with `score`
    asked, those of the prompt's ids in `prompt_logprobs`, once they are all read. `done`: all `length` ids are out."""

    handle: int
    ids: Ids
    done: bool
    logprobs: Logprobs | None = None
    prompt_logprobs: Logprobs | None = None


class Batch(Protocol):
    """Sequences of one version that advance together; one thread owns it.

    Nothing of a sequence depends on its neighbours: the ids of a sequence are a function of the version and the
    Sequence alone, whoever is in the batch, whenever they join and leave, and however the steps are divided.
    """

    def __len__(self) -> int:
        """Sequences in the batch, done ones that were not removed included."""
        ...

    def add(self, sequence: Sequence) -> int:
        """Take a sequence in before the next step; returns its handle. Raises OverflowError when the batch is full."""
        ...

    def remove(self, handle: int) -> None:
        """Let a sequence go, done or not. Its state, if it is wanted, is looked at before."""
        ...

    def state(self, handle: int) -> State:
        """What a sequence remembers now, from which another one can go on, in this batch or any other; it stays in the
        batch. Raises KeyError for an unknown handle."""
        ...

    def step(self, steps: int) -> Items[Output]:
        """Advance every sequence that is not done by up to `steps` ids, read or chosen; one Output for each that has
        new ids, is done or has its prompt scored."""
        ...


class Engine(Protocol):
    """One version's numbers, ready to generate; shared by threads, never changed."""

    def batch(self, capacity: int) -> Batch:
        """An empty batch for up to `capacity` sequences."""
        ...
