"""When the learning rate is what, and when to evaluate: functions of the step alone, so that a resumed run agrees."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

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
    each (`evaluate_every`) there is an evaluation; the total was not known before step `known_from`."""

    total: int | None
    evaluate_every: int = 1
    known_from: int = 0

    @classmethod
    def of(cls, total: int, step_characters: int, validation_characters: int) -> Schedule:
        """Evaluations spread evenly: EVALUATIONS of them, or fewer if they would take too large a share."""
        affordable = math.ceil(validation_characters / (MAX_EVALUATION_SHARE * step_characters))
        return cls(total, max(MIN_STEPS, math.ceil(total / EVALUATIONS), affordable))

    @classmethod
    def measured(
        cls, step: int, seconds: float, step_seconds: float, evaluation_seconds: float, sizes: tuple[int, int]
    ) -> Schedule:
        """The schedule that fills the `seconds` left after `step`, given what a step and an evaluation take; `sizes`
        are the characters of a step and of the validation part."""
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

    def learning_rate(self, step: int, since_start: int) -> float:
        """The share of the peak that the step (from 0) trains with: half a cosine down to FLOOR (Loshchilov, Hutter:
        SGDR, 2017), under a straight rise over the first steps since the weights' start."""
        if self.total is None:
            return min(1.0, (since_start + 1) / WARM_UP)
        warm_up = max(1, min(WARM_UP, self.total // 20))
        done = max(0.0, (step - warm_up) / max(1, self.total - warm_up))
        cosine = FLOOR + (1 - FLOOR) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
        return min(1.0, (since_start + 1) / warm_up) * cosine

    def evaluates(self, step: int) -> bool:
        """Whether there is an evaluation after so many steps: before the first, after the last, and in between."""
        return step in (0, self.total) or (self.total is not None and step % self.evaluate_every == 0)

    def samples(self, step: int) -> bool:
        """Whether a share of SAMPLED is reached with this step; one that was already when the total became known is
        reached then."""
        total = self.total
        return total is not None and step in {max(-(-share * total // 100), self.known_from) for share in SAMPLED}
