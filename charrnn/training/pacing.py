"""Converts a budget to a number of steps, and adjusts it for a budget in minutes when the machine becomes faster or
slower; has no clock: callers pass the seconds spent."""

from __future__ import annotations

from typing import Final

from charrnn.training.parallel import ALONE, Team
from charrnn.training.schedule import Schedule
from charrnn.training.state import Position

MEASURED_SHARE, MEASURED_SECONDS, MEASURED_STEPS = 0.05, 5.0, 5
"""Minutes are first converted to steps after this share of them or this many seconds, but not before this many
steps."""

MIN_STEPS: Final = 300
"""A budget in minutes may always have this many steps, even where fewer would read a text as often as is useful."""

ENDS_EARLY: Final = 0.1
"""More minutes than by this share are left unused only with a warning."""

LOOK_EVERY, LAST_TENTH_EVERY = 0.02, 0.01
"""Shares of the budget between two checks of the pace, the second in the last tenth: they bound by how much the budget
is exceeded if the machine becomes three times slower in between."""

LEAST_CHANGE, CHANGE_SHARE = 0.01, 0.1
"""The number of steps is kept if it misses the end by less than this share of the budget, or of the remaining time:
early on, differences can still even out."""

EVALUATIONS_CHANGE: Final = 2.0
"""There are fewer or more evaluations if so many times as many steps should be between two: the first one takes longer
than later ones, because it includes initialization."""


class Pacing:
    """Adjusts `Position.schedule` so that training takes `seconds`, including evaluations; None: the schedule is never
    adjusted. At most `most_steps` are planned, or MIN_STEPS, and the position then says so. `sizes` are the numbers of
    tokens of a step and of the held-out text. All processes of the `team` plan alike."""

    def __init__(self, seconds: float | None, most_steps: int, sizes: tuple[int, int], team: Team = ALONE) -> None:
        self._seconds = seconds
        self._max_steps = max(MIN_STEPS, most_steps)
        self._sizes = sizes
        self._team = team
        self._mark: tuple[int, float] | None = None  # step and seconds of the last check
        self._aside = 0.0  # seconds since then not spent in steps
        self._evaluation: float | None = None  # seconds of an evaluation since then
        self._step_seconds = 0.0

    def evaluated(self, seconds: float) -> None:
        """Account for an evaluation that took `seconds`."""
        if self._seconds is not None:
            self._evaluation = self._team.agreed(seconds)
            self._aside += self._evaluation

    def sampled(self, seconds: float) -> None:
        """Account for samples outside of evaluations: there are few, so they do not count as time of steps."""
        if self._seconds is not None:
            self._aside += self._team.agreed(seconds)

    def look(self, position: Position) -> None:
        """Measure the pace after a step, and adjust the schedule if it would miss the end."""
        if self._seconds is None:
            return
        position.seconds = self._team.agreed(position.seconds)
        if self._mark is None:  # the first step includes initialization
            self._begin(position)
            return
        steps, spent = position.step - self._mark[0], position.seconds - self._mark[1] - self._aside
        if not self._due(position, steps, spent, self._seconds):
            return
        self._step_seconds = max(spent / steps, 1e-9)
        if self._evaluation is not None:
            position.evaluation_steps, self._evaluation = self._evaluation / self._step_seconds, None
        self._begin(position)
        self._plan(position, self._seconds)

    def seconds_left(self, position: Position) -> float | None:
        """How long the rest takes at the pace of the last check or, before the first check, at the mean pace; None
        before the first step, and while the number of steps is unknown."""
        total = position.schedule.total
        if total is None or not position.step:
            return None
        if not self._step_seconds:
            return position.seconds / position.step * (total - position.step)
        if position.step >= total:
            return 0.0
        evaluations = position.schedule.evaluations_from(position.step + 1)
        return (total - position.step + evaluations * position.evaluation_steps) * self._step_seconds

    def _begin(self, position: Position) -> None:
        self._mark, self._aside = (position.step, position.seconds), 0.0

    def _due(self, position: Position, steps: int, spent: float, budget: float) -> bool:
        """Whether these steps, and the seconds spent on them, are enough for an estimate."""
        total = position.schedule.total
        if total is None:
            enough = spent >= min(MEASURED_SECONDS, MEASURED_SHARE * budget)
            return steps >= MEASURED_STEPS and (enough or steps >= MEASURED_SHARE * self._max_steps)
        if steps < 1 or position.step >= total:
            return False
        share = LAST_TENTH_EVERY if position.seconds > 0.9 * budget else LOOK_EVERY
        return spent >= share * budget or position.seconds >= budget

    def _plan(self, position: Position, budget: float) -> None:
        schedule, left = position.schedule, budget - position.seconds
        evaluation = position.evaluation_steps * self._step_seconds
        planned = Schedule.measured(position.step, left, self._step_seconds, evaluation)
        affordable = planned.total or 0
        planned = planned.at_most(max(self._max_steps, position.step + 1), *self._sizes)
        position.ends_early = affordable > (1 + ENDS_EARLY) * (planned.total or 0)
        if schedule.total is None:
            position.schedule = planned
            return
        evaluations = schedule.evaluations_from(position.step)  # this step's evaluation is still to come
        rest = (schedule.total - position.step) * self._step_seconds + evaluations * evaluation
        missed = abs(rest - left) > max(LEAST_CHANGE * budget, CHANGE_SHARE * left)
        often = max(planned.evaluate_every, schedule.evaluate_every) / min(
            planned.evaluate_every, schedule.evaluate_every
        )
        if planned.total != schedule.total and (missed or often > EVALUATIONS_CHANGE):
            position.replanned.append({"step": position.step, "steps_total": planned.total or 0})
            position.schedule = schedule.ending_as(planned, position.step)
