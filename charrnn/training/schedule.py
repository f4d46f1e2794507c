"""When the learning rate is what, and when to evaluate: functions of the step and of numbers that a resume point
keeps, so that a resumed run agrees."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

from charrnn.training.config import Budget

WARM_UP: Final = 100
FLOOR: Final = 0.01
"""What is left of the learning rate at the end, as a share of the peak."""

EVALUATIONS: Final = 25
SAMPLED: Final = (1, 5, 20, 100)
"""After so many percent of the steps there are samples, evaluation or not: at first a network changes the quickest."""

MIN_STEPS: Final = 10
"""Steps between two evaluations, at least: samples take longer than the steps of a small network."""

MAX_EVALUATION_SHARE: Final = 0.25
"""Characters read to evaluate per character trained on, at most; reading is about a third of the work."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """How many steps there are (`total`; None while a budget in minutes is still being measured), and after how many
    each (`evaluate_every`) there is an evaluation; the total was not known before step `known_from`.

    A total may be set anew while the training goes on. `planned` is the first one (None: the total still is), and a
    run at the step `since`, when it was set last, was at `place_then` of the planned steps: from there on it goes
    through the rest of them as quickly or slowly as makes it end at `total`. So nothing jumps, and all comes down.
    """

    total: int | None
    evaluate_every: int = 1
    known_from: int = 0
    planned: int | None = None
    since: int = 0
    place_then: float = 0.0

    @classmethod
    def first(cls, budget: Budget, epoch: int, sizes: tuple[int, int]) -> Schedule:
        """The schedule that a run begins with, an epoch having so many steps; a budget in minutes has no total yet.
        `sizes` are the characters of a step and of the held-out text."""
        if budget.minutes is not None:
            return cls(None)
        return cls.of(budget.steps or math.ceil((budget.epochs or 0) * epoch), *sizes)

    @classmethod
    def of(cls, total: int, step_characters: int, validation_characters: int) -> Schedule:
        """Evaluations spread evenly: EVALUATIONS of them, or fewer if they would take too large a share."""
        affordable = math.ceil(validation_characters / (MAX_EVALUATION_SHARE * step_characters))
        return cls(total, max(MIN_STEPS, math.ceil(total / EVALUATIONS), affordable))

    @classmethod
    def measured(
        cls, step: int, seconds: float, step_seconds: float, evaluation_seconds: float, sizes: tuple[int, int]
    ) -> Schedule:
        """The schedule that fills the `seconds` left after `step`, given what a step and an evaluation take;
        `sizes` as in `first`."""
        schedule = cls.of(step + max(1, round(seconds / step_seconds)), *sizes)
        for _ in range(3):  # how often to evaluate depends on the total, and the total on that
            cost = step_seconds + evaluation_seconds / schedule.evaluate_every
            schedule = cls.of(step + max(1, round((seconds - evaluation_seconds) / cost)), *sizes)
        return replace(schedule, known_from=step)

    def at_most(self, steps: int, step_characters: int, validation_characters: int) -> Schedule:
        """This schedule, or one that ends after so many steps if that is sooner."""
        if self.total is None or self.total <= steps:
            return self
        return replace(Schedule.of(steps, step_characters, validation_characters), known_from=self.known_from)

    def ending_as(self, other: Schedule, step: int) -> Schedule:
        """This schedule up to `step`, and from there on one that ends with the other one's total."""
        return replace(
            self,
            total=other.total,
            evaluate_every=other.evaluate_every,
            planned=self.planned or self.total,
            since=step,
            place_then=self.place(step),
        )

    def place(self, step: int) -> float:
        """Where a run is after so many steps, in steps of the total that was planned first."""
        if self.total is None or self.planned is None:
            return step
        if step >= self.total:
            return self.planned
        return self.place_then + (self.planned - self.place_then) * (step - self.since) / (self.total - self.since)

    def fraction(self, step: int) -> float:
        """The share of the training that is done after so many steps, 0 to 1; 0 while there is no total."""
        return 0.0 if self.total is None else self.place(step) / (self.planned or self.total)

    def learning_rate(self, step: int, since_start: int) -> float:
        """The share of the peak that the step (from 0) trains with: half a cosine down to FLOOR (Loshchilov, Hutter:
        SGDR, 2017), under a straight rise over the first steps since the weights' start."""
        if self.total is None:
            return min(1.0, (since_start + 1) / WARM_UP)
        planned = self.planned or self.total
        warm_up = max(1, min(WARM_UP, planned // 20))
        done = max(0.0, (self.place(step) - warm_up) / max(1, planned - warm_up))
        cosine = FLOOR + (1 - FLOOR) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
        return min(1.0, (since_start + 1) / warm_up) * cosine

    def evaluates(self, step: int) -> bool:
        """Whether there is an evaluation after so many steps: before the first, after the last, and in between."""
        return step in (0, self.total) or (self.total is not None and step % self.evaluate_every == 0)

    def evaluations_from(self, step: int) -> int:
        """How many evaluations there are from after this step on, its own included, if it has one; it is not the
        first."""
        total, every = self.total or step, self.evaluate_every
        return total // every - (step - 1) // every + (total % every != 0)

    def samples(self, step: int) -> bool:
        """Whether a share of SAMPLED is reached with this step; one that was already when the total became known is
        reached then."""
        if self.total is None or step < self.known_from:
            return False
        planned = self.planned or self.total
        before = 0.0 if step == self.known_from else self.place(step - 1)
        return any(100 * before < share * planned <= 100 * self.place(step) for share in SAMPLED)
