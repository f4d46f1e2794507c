"""The learning rate of each step, and when to evaluate: functions of the step and of numbers stored in resume points,
so that a resumed run is identical.

The rate never jumps, whatever is planned when: it rises by at most `Schedule.rise` of the peak a step, and falls along
what is left of a half cosine, in the steps that are left.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

from charrnn.training.config import Budget

WARM_UP: Final = 100
WARM_UP_SHARE, LEAST_WARM_UP, MAX_WARM_UP_SHARE = 0.05, 20, 0.2
"""The warm-up takes this share of the steps, but at most WARM_UP steps, and at least LEAST_WARM_UP, unless those are
more than the last share."""

FLOOR: Final = 0.01
"""The final learning rate as a share of the peak."""

EVALUATIONS: Final = 25
SAMPLED: Final = (1, 5, 20, 100)
"""Percentages of the steps after which there are samples, even without an evaluation: a network changes fastest at
first."""

MIN_STEPS: Final = 10
"""The minimum number of steps between two evaluations, because samples take longer than steps of a small network."""

MAX_EVALUATION_SHARE: Final = 0.25
"""The maximum number of tokens evaluated for each token trained on, while nothing is measured; evaluating takes about a
third of the time."""

MAX_EVALUATION_TIME: Final = 0.05
"""The maximum share of the time for evaluations with their samples and gradients, once it is measured what they take:
there are fewer of them then, but LEAST_EVALUATIONS, which also tell what they take on a machine that changes."""

LEAST_EVALUATIONS: Final = 5


@dataclass(frozen=True, slots=True)
class Schedule:
    """The number of steps (`total`; None while a budget in minutes is still being measured), and of steps between
    evaluations (`evaluate_every`); the total was unknown before step `known_from`.

    The total may be adjusted during training. `planned` is the first total (None: it was not adjusted). At step
    `since`, when the total was last adjusted, the run was at `place_then` of the planned steps; from there on it goes
    through the remaining planned steps faster or slower, so that it ends at `total`. So the learning rate never jumps,
    and decays fully.
    """

    total: int | None
    evaluate_every: int = 1
    known_from: int = 0
    planned: int | None = None
    since: int = 0
    place_then: float = 0.0

    @classmethod
    def first(cls, budget: Budget, epoch: int, sizes: tuple[int, int]) -> Schedule:
        """The initial schedule of a run with `epoch` steps in an epoch; for a budget in minutes there is no total yet.
        `sizes` are the tokens of a step and of the held-out text."""
        if budget.minutes is not None:
            return cls(None)
        return cls.of(budget.steps or math.ceil((budget.epochs or 0) * epoch), *sizes)

    @classmethod
    def of(cls, total: int, step_tokens: int, validation_tokens: int) -> Schedule:
        """A schedule with evenly spread evaluations: EVALUATIONS of them, or fewer if they would take too large a
        share."""
        affordable = math.ceil(validation_tokens / (MAX_EVALUATION_SHARE * step_tokens))
        return cls(total, max(MIN_STEPS, math.ceil(total / EVALUATIONS), affordable))

    @classmethod
    def measured(cls, step: int, seconds: float, step_seconds: float, evaluation_seconds: float) -> Schedule:
        """The schedule that fills the `seconds` remaining after `step`, given the durations of a step and an
        evaluation."""
        affordable = math.ceil(evaluation_seconds / (MAX_EVALUATION_TIME * step_seconds))
        whole = seconds + step * step_seconds
        least = max(1, min(LEAST_EVALUATIONS, int(whole / 4 / max(evaluation_seconds, 1e-9))))
        total, every, before = step + max(1, round(seconds / step_seconds)), 1, 0
        for _ in range(5):  # the number of evaluations and the total depend on each other
            often = min(affordable, math.ceil(total / least))
            every = max(MIN_STEPS, math.ceil(total / EVALUATIONS), often)
            evaluations = cls(total, every).evaluations_from(step + 1)
            before, total = total, step + max(1, round((seconds - evaluations * evaluation_seconds) / step_seconds))
        return cls(min(before, total), every, known_from=step)

    def at_most(self, steps: int, step_tokens: int, validation_tokens: int) -> Schedule:
        """This schedule, or one that ends after this many steps if that is sooner."""
        if self.total is None or self.total <= steps:
            return self
        return replace(Schedule.of(steps, step_tokens, validation_tokens), known_from=self.known_from)

    def ending_as(self, other: Schedule, step: int) -> Schedule:
        """This schedule up to `step`, and from there on one that ends at the other's total."""
        return replace(
            self,
            total=other.total,
            evaluate_every=other.evaluate_every,
            planned=self.planned or self.total,
            since=step,
            place_then=self.planned_step(step),
        )

    def planned_step(self, step: int) -> float:
        """The position of a run after `step` steps, in steps of the first planned total."""
        if self.total is None or self.planned is None:
            return step
        if step >= self.total:
            return self.planned
        return self.place_then + (self.planned - self.place_then) * (step - self.since) / (self.total - self.since)

    def fraction(self, step: int) -> float:
        """The completed share of the training after `step` steps, 0 to 1; 0 while there is no total."""
        return 0.0 if self.total is None else self.planned_step(step) / (self.planned or self.total)

    @property
    def warm_up(self) -> int:
        """The number of steps of a warm-up."""
        if self.total is None:
            return WARM_UP
        planned = self.planned or self.total
        least = min(LEAST_WARM_UP, MAX_WARM_UP_SHARE * planned)
        return max(1, round(min(WARM_UP, max(WARM_UP_SHARE * planned, least))))

    @property
    def rise(self) -> float:
        """By which share of the peak the learning rate rises at each step of a warm-up."""
        return 1 / self.warm_up

    def learning_rate(self, step: int, warmed_up: float) -> float:
        """The learning rate of a step (from 0) as a share of the peak: a half cosine down to FLOOR (Loshchilov, Hutter:
        SGDR, 2017), and a linear warm-up, of which the share `warmed_up` was done by the steps since the start or the
        last restart."""
        share = min(1.0, warmed_up + self.rise)
        if self.total is None:
            return share
        planned = self.planned or self.total
        begins = max(self.known_from, self.warm_up)
        done = max(0.0, self.planned_step(step) - begins) / max(1, planned - begins)
        return share * (FLOOR + (1 - FLOOR) * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))

    def evaluates(self, step: int) -> bool:
        """Whether there is an evaluation after `step` steps: before the first step, after the last, and in between."""
        return step in (0, self.total) or (self.total is not None and step % self.evaluate_every == 0)

    def evaluations_from(self, step: int) -> int:
        """How many evaluations remain after this step, including its own, if any; the step must not be the first."""
        total, every = self.total or step, self.evaluate_every
        return total // every - (step - 1) // every + (total % every != 0)

    def samples(self, step: int) -> bool:
        """Whether a percentage in SAMPLED is reached with this step; those reached before the total was known count
        when it becomes known."""
        if self.total is None or step < self.known_from:
            return False
        planned = self.planned or self.total
        before = 0.0 if step == self.known_from else self.planned_step(step - 1)
        return any(100 * before < share * planned <= 100 * self.planned_step(step) for share in SAMPLED)
