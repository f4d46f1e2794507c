"""Beam search: the likeliest of the texts that a network may write after what it has read; knows no vocabulary."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from collections.abc import Sequence as Items
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import Final

import numpy as np

from charrnn.engine.base import Batch, Engine, Output, Sequence, State
from charrnn.following import Following
from charrnn.sampling import RECENT_IDS, SamplingParams
from charrnn.vocabulary import Ids

ROWS: Final = 16
"""How many hypotheses are read side by side, of as many searches as fit: about two milliseconds of work."""
STEPS: Final = 32
"""Ids of each prompt that are read at a time."""

_NOTHING: Final = np.empty(0, dtype=np.int32)

_logprob_of: Final = itemgetter(0)

Answer = tuple[Output, State]
Step = Callable[[], list[Answer] | None]
Run = Callable[[Step], list[Answer] | None]


def _at_once(step: Step) -> list[Answer] | None:
    return step()


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A text that may be written: its `ids`, with the end if it has `ended`, and the sum of their log-probabilities."""

    ids: tuple[int, ...] = ()
    logprob: float = 0.0
    ended: bool = False


@dataclass(frozen=True, slots=True)
class BeamSearch:
    """Keeps the `beams` likeliest hypotheses at each step, for at most `length` ids, the end included.

    Found is the likeliest of all hypotheses that have ended or have `length` ids; their probabilities are compared as
    they are, whatever their lengths, so that with beams enough for all of them it is the likeliest text there is. The
    lower id wins a tie. With one beam the search is greedy.
    """

    beams: int
    length: int
    end_id: int | None = None
    following: Following | None = None

    def __post_init__(self) -> None:
        if self.beams < 1 or self.length < 1:
            raise ValueError(f"beams and length must be at least 1, not {self.beams} and {self.length}")

    def search(self, engine: Engine, prompts: Items[Ids], run: Run = _at_once) -> Iterator[Hypothesis]:
        """What is found after each of the prompts [n], which are searched some at a time. `run` does a step of the
        search, a few milliseconds of work, and returns its result; it may do so in another thread, or raise to stop the
        search."""
        at_once = max(1, ROWS // self.beams)
        batch = engine.batch(at_once * max(self.beams, 1))
        for start in range(0, len(prompts), at_once):
            beams = [_Beam(self) for _ in prompts[start : start + at_once]]
            asked = [[Sequence(prompt, 1, self._sampling)] for prompt in prompts[start : start + at_once]]
            while any(asked):
                answers = iter(_answers(batch, [each for several in asked for each in several], run))
                for beam, several in zip(beams, asked, strict=True):
                    beam.advance([next(answers) for _ in several])
                asked = [[Sequence(_NOTHING, 1, self._sampling, state) for state in beam.states] for beam in beams]
            yield from (beam.best for beam in beams)

    @property
    def _sampling(self) -> SamplingParams:
        """Asks for as many of the likeliest ids as may be kept; for more where some of them may not follow."""
        most = (self.beams + 1) * (1 if self.following is None else 4)
        return SamplingParams(temperature=0, logprobs=most)


@dataclass(eq=False, slots=True)
class _Beam:
    """One search: the hypotheses that are still followed, the `states` from which each goes on, and the best of those
    that are complete."""

    about: BeamSearch
    live: list[Hypothesis] = field(default_factory=lambda: [Hypothesis()])
    states: list[State] = field(default_factory=list)
    best: Hypothesis = field(default_factory=lambda: Hypothesis(logprob=-np.inf))

    def advance(self, answers: Items[Answer]) -> None:
        """Follow each hypothesis by one id, given the engine's answers [live]; a hypothesis that is no longer likelier
        than the best complete one cannot become so, and is dropped."""
        found = [
            (hypothesis.logprob + logprob, hypothesis, id_, state)
            for hypothesis, (output, state) in zip(self.live, answers, strict=True)
            for id_, logprob in self._next(output, state)
        ]
        found.sort(key=_logprob_of, reverse=True)  # stable: equals stay in the order of beams and ids
        self.live, self.states = [], []
        for logprob, before, id_, state in found:
            if logprob <= self.best.logprob or len(self.live) == self.about.beams:
                break
            hypothesis = Hypothesis((*before.ids, id_), logprob, id_ == self.about.end_id)
            if hypothesis.ended or len(hypothesis.ids) == self.about.length:
                self.best = hypothesis
            else:
                self.live.append(hypothesis)
                self.states.append(_after(state, id_))

    def _next(self, output: Output, state: State) -> Iterator[tuple[int, float]]:
        """The likeliest ids that may follow, and their log-probabilities; the greedy choice is always one of them."""
        assert output.logprobs is not None, "they were asked for"
        greedy = int(output.ids[0])
        yield greedy, float(output.logprobs.chosen[0])
        mask = None if self.about.following is None else self.about.following.mask(state.recent[:-1])
        for id_, logprob in zip(output.logprobs.top_ids[0].tolist(), output.logprobs.top[0].tolist(), strict=True):
            if id_ != greedy and (mask is None or mask[id_] == 0):
                yield id_, logprob


def _answers(batch: Batch, sequences: Items[Sequence], run: Run) -> list[Answer]:
    """For each of the sequences, which choose one id, the output and the state before that id is read."""
    handles: list[int] = []
    outputs: dict[int, Output] = {}

    def step() -> list[Answer] | None:
        if not handles:
            handles.extend(map(batch.add, sequences))
        outputs.update((output.handle, output) for output in batch.step(STEPS))
        if len(outputs) < len(handles):
            return None
        found = [(outputs[handle], batch.state(handle)) for handle in handles]
        for handle in handles:
            batch.remove(handle)
        return found

    while (answers := run(step)) is None:
        pass
    return answers


def _after(state: State, id_: int) -> State:
    """The state with another newest id."""
    recent = state.recent.copy()
    recent[-1:] = id_
    return replace(state, last_id=id_, recent=recent[-RECENT_IDS:])
