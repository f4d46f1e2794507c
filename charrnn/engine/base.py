"""The interface of every engine: sequences are added to a batch, the batch steps, and returns ids."""

from __future__ import annotations

from collections.abc import Sequence as Items
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from charrnn.engine.steering import Held
from charrnn.patterns.automaton import Fit
from charrnn.sampling import Flags, Logits, SamplingParams, choice_seed
from charrnn.vocabulary import Ids

_NO_IDS: Final = np.zeros(0, dtype=np.int32)

TREE_WIDTH: Final = 16
"""How many nodes a tree can grow by at a time: as many rows as keep a network's weights busy."""


@dataclass(frozen=True, eq=False, slots=True)
class State:
    """All that a sequence remembers: what follows depends only on this and on its sampling parameters.

    `hidden` [layers, state_parts, hidden_size] float32, after reading all ids except `last_id`; `last_id` the newest
    id, not yet read; `position` how many ids have been generated, which is the index of the next random number;
    `recent` [n] the latest ids, the newest last, at most RECENT_IDS; `generated` [n] which of them were generated
    rather than read.
    """

    hidden: npt.NDArray[np.float32]
    last_id: int
    position: int
    recent: Ids
    generated: Flags


@dataclass(frozen=True, eq=False, slots=True)
class Sequence:
    """A text to be generated: read `prompt`, then choose `length` ids, or fewer if `end_id` is chosen: it is the last.

    The prompt has at least one id, unless the sequence continues from `state` (a prompt is then read after the state's
    last id). With `score`, log-probabilities are reported for the prompt's ids too, and `length` may be 0. Cells are
    `held` while ids are chosen (`charrnn.engine.steering`), and while the last `steered` ids of the prompt are read, as
    if they were chosen: this reads again what was generated so.

    What is chosen has to `fit`, and always does: where the text may not end yet, only ids are chosen that leave room
    for an end within `length` (`charrnn.patterns.automaton.Fit`). It may have fewer ids than `length`: it ends where
    nothing can follow, and with an id, drawn where it may end, that the pattern does not take there. That id is no part
    of it; the state is that before the draw, which is made again if the text is continued.
    """

    prompt: Ids
    length: int
    sampling: SamplingParams = field(default_factory=SamplingParams)
    state: State | None = None
    score: bool = False
    end_id: int | None = None
    held: tuple[Held, ...] = ()
    steered: int = 0
    fit: Fit | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Logprobs:
    """Log-probabilities at n consecutive positions: `chosen` [n] of the ids at these positions, `top_ids` [n, k] and
    `top` [n, k] of the k likeliest, best first. The first id of a text follows nothing: its `chosen` is NaN."""

    chosen: npt.NDArray[np.float32]
    top_ids: npt.NDArray[np.int32]
    top: npt.NDArray[np.float32]

    @classmethod
    def joined(cls, parts: Items[Logprobs]) -> Logprobs:
        """Those at the positions of at least one part, one part after the other."""
        chosen, top_ids, top = zip(*((each.chosen, each.top_ids, each.top) for each in parts), strict=True)
        return cls(np.concatenate(chosen), np.concatenate(top_ids), np.concatenate(top))

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return self.chosen.nbytes + self.top_ids.nbytes + self.top.nbytes

    def __getitem__(self, positions: slice) -> Logprobs:
        """Those at these positions."""
        return Logprobs(self.chosen[positions], self.top_ids[positions], self.top[positions])

    def latest(self, n: int) -> Logprobs:
        """Those at the last n positions."""
        return self[len(self.chosen) - n :]


@dataclass(eq=False, slots=True)  # one for each sequence and call: frozen ones take twice as long to create
class Output:
    """The result of the latest steps for one sequence: new `ids`; their `logprobs`, if requested; with `score`,
    `prompt_logprobs`, once the whole prompt has been read. `done`: no more ids follow, because `length` ids have been
    returned or, with `ended`, the last one is the sequence's `end_id`, or, with `completed`, its pattern ended it.
    An engine that ends sequences in another way also needs a change of `_may_stop` in
    service/generation/choice_builder.py."""

    handle: int
    ids: Ids
    done: bool
    logprobs: Logprobs | None = None
    prompt_logprobs: Logprobs | None = None
    ended: bool = False
    completed: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class Series:
    """Texts without number that all begin in the same state: candidate j is `sequence(j)`.

    `sampling` is that of candidate 0; the seeds of the others follow. Candidates are generated from `first` on, before
    `stop` (None: endlessly). `length` is at least 1; log-probabilities cannot be requested.
    """

    state: State
    length: int
    sampling: SamplingParams = field(default_factory=SamplingParams)
    end_id: int | None = None
    first: int = 0
    stop: int | None = None
    held: tuple[Held, ...] = ()
    fit: Fit | None = None

    def sequence(self, candidate: int) -> Sequence:
        """The candidate as an ordinary sequence, which has the same ids."""
        sampling = replace(self.sampling, seed=choice_seed(self.sampling.seed, candidate))
        return Sequence(_NO_IDS, self.length, sampling, self.state, end_id=self.end_id, held=self.held, fit=self.fit)


@dataclass(frozen=True, eq=False, slots=True)
class Finished:
    """Candidates of a series that are done, in any order: `candidates` [n] int64; the `ids` of all in a row, those of
    the i-th from `offsets[i]` to `offsets[i + 1]`, int64 [n + 1], without `end_id`; and `ended` [n], whether that was
    chosen or the pattern ended the text, which has not just used up its length."""

    candidates: npt.NDArray[np.int64]
    ids: Ids
    offsets: npt.NDArray[np.int64]
    ended: Flags


class SeriesBatch(Protocol):
    """The candidates of a series, as many at a time as there are slots; one thread owns it. A candidate that is done
    makes room for the next within a step. Memory does not grow with the number of candidates."""

    @property
    def done(self) -> bool:
        """Whether all candidates have been returned, which takes a `stop`."""
        ...

    def step(self, steps: int) -> Finished:
        """Advance the candidates by up to `steps` ids; those that are done."""
        ...


class Tree(Protocol):
    """What follows texts with common beginnings: each node is a text, one id longer than its parent's; one thread owns
    it. Node 0 is the text of a state without its last id. Its numbers are those of a sequence with the same ids."""

    def __len__(self) -> int:
        """How many nodes there are: the next one has this number."""
        ...

    def grow(self, parents: Items[int], ids: Items[int]) -> Logits:
        """Add a node for each of the ids [n], n at most TREE_WIDTH, after the node with the number in `parents` [n];
        they are numbered in this order. Returns the log-probabilities of the ids that may be chosen next after each
        [n, outputs], float32. Raises OverflowError for more nodes than there is room for."""
        ...


class Batch(Protocol):
    """Sequences of one version that advance together; one thread owns it.

    The ids of a sequence are a function of the version and the Sequence alone: they do not depend on the other
    sequences in the batch, on when these join and leave, or on how the steps are divided.
    """

    def __len__(self) -> int:
        """Sequences in the batch, including done ones that have not been removed."""
        ...

    def add(self, sequence: Sequence) -> int:
        """Add a sequence before the next step; returns its handle. Raises OverflowError when the batch is full."""
        ...

    def remove(self, handle: int) -> None:
        """Remove a sequence, done or not. Its state can only be read before."""
        ...

    def state(self, handle: int) -> State:
        """The current state of a sequence, from which another one can continue, in this batch or any other; the
        sequence stays in the batch. Raises KeyError for an unknown handle."""
        ...

    def step(self, steps: int) -> Items[Output]:
        """Advance every sequence that is not done by up to `steps` ids, read or chosen; one Output for each that has
        new ids, is done, or has finished scoring its prompt."""
        ...


class Engine(Protocol):
    """One version's numbers, ready to generate; immutable and shared by threads."""

    @property
    def precision(self) -> str:
        """The numbers that it computes with: only an engine with the same ones goes on exactly from its states."""
        ...

    def batch(self, capacity: int) -> Batch:
        """An empty batch for up to `capacity` sequences."""
        ...

    def series(self, series: Series, slots: int) -> SeriesBatch:
        """A batch that generates the series, `slots` candidates at a time. Raises ValueError for a series without ids
        or with log-probabilities, and as `Batch.add` does."""
        ...

    def tree(self, state: State, nodes: int) -> Tree:
        """The tree whose node 0 is the state's text without its last id, for at most `nodes` nodes. Raises ValueError
        for a state of another shape."""
        ...
