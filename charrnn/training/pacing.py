"""A budget in minutes as a number of steps, set anew where the machine has become quicker or slower; knows no clock:
it is told how many seconds were spent."""

from __future__ import annotations

from charrnn.training.schedule import Schedule
from charrnn.training.state import Position

MEASURED_SHARE, MEASURED_SECONDS, MEASURED_STEPS = 0.05, 5.0, 5
"""Minutes are first turned into steps after this share of them or so many seconds, but not before so many steps."""

MAX_EPOCHS, MIN_STEPS = 45, 300
"""A budget in minutes ends after so many epochs, but not before so many steps: however much time there is, more than
that only teaches the text by heart, and the learning rate would not come down before it did. An LSTM of 512 units with
a dropout of 0.5 was at 1.4008 nats on tiny Shakespeare with 45 epochs to go through, and at 1.4023 with 60."""

LOOK_EVERY, LAST_TENTH_EVERY = 0.02, 0.01
"""Shares of the budget between two looks at the pace, the second in the last tenth: what a machine that slows down
threefold in between costs is so much of the promise."""

LEAST_CHANGE, CHANGE_SHARE = 0.01, 0.1
"""The number of steps stays if it misses the end by less than this share of the budget, or of what is left: early on,
much can even out."""


class Pacing:
    """Keeps the promise of `seconds`, evaluations included: at most `epoch` steps times MAX_EPOCHS of them, `sizes`
    being the characters of a step and of the validation part."""

    def __init__(self, seconds: float, epoch: int, sizes: tuple[int, int]) -> None:
        self._budget = seconds
        self._most = max(MIN_STEPS, MAX_EPOCHS * epoch)
        self._sizes = sizes
        self._mark: tuple[int, float] | None = None
        self._aside = 0.0
        self._evaluation: float | None = None
        self._step_seconds = 0.0

    def evaluated(self, seconds: float) -> None:
        """An evaluation has taken so long."""
        self._evaluation = seconds
        self._aside += seconds

    def sampled(self, seconds: float) -> None:
        """Samples that no evaluation wrote have taken so long: there are few, so no step is thought longer for them."""
        self._aside += seconds

    def look(self, position: Position, schedule: Schedule) -> Schedule | None:
        """The schedule to go on with after this step, if it is another one; `position` learns of it, too."""
        if self._mark is None:  # the very first step prepares what the others use
            self._begin(position)
            return None
        steps, spent = position.step - self._mark[0], position.seconds - self._mark[1] - self._aside
        if not self._due(position, schedule, steps, spent):
            return None
        self._step_seconds = max(spent / steps, 1e-9)
        if self._evaluation is not None:
            position.evaluation_steps, self._evaluation = self._evaluation / self._step_seconds, None
        self._begin(position)
        return self._planned(position, schedule)

    def seconds_left(self, position: Position, schedule: Schedule) -> float | None:
        """How long the rest takes at the pace of the last look; None before there was one."""
        if schedule.total is None or not self._step_seconds:
            return None
        if position.step >= schedule.total:
            return 0.0
        evaluations = schedule.evaluations_from(position.step + 1)
        return (schedule.total - position.step + evaluations * position.evaluation_steps) * self._step_seconds

    def _begin(self, position: Position) -> None:
        self._mark, self._aside = (position.step, position.seconds), 0.0

    def _due(self, position: Position, schedule: Schedule, steps: int, spent: float) -> bool:
        if schedule.total is None:
            enough = spent >= min(MEASURED_SECONDS, MEASURED_SHARE * self._budget)
            return steps >= MEASURED_STEPS and (enough or steps >= MEASURED_SHARE * self._most)
        if steps < 1 or position.step >= schedule.total:
            return False
        share = LAST_TENTH_EVERY if position.seconds > 0.9 * self._budget else LOOK_EVERY
        return spent >= share * self._budget or position.seconds >= self._budget

    def _planned(self, position: Position, schedule: Schedule) -> Schedule | None:
        left, evaluation = self._budget - position.seconds, position.evaluation_steps * self._step_seconds
        planned = Schedule.measured(position.step, left, self._step_seconds, evaluation, self._sizes)
        planned = planned.at_most(max(self._most, position.step + 1), *self._sizes)
        if schedule.total is None:
            return planned
        evaluations = schedule.evaluations_from(position.step)  # that of this step is still to come
        rest = (schedule.total - position.step) * self._step_seconds + evaluations * evaluation
        missed = abs(rest - left)
        if planned.total == schedule.total or missed <= max(LEAST_CHANGE * self._budget, CHANGE_SHARE * left):
            return None
        position.replanned.append({"step": position.step, "steps_total": planned.total or 0})
        return schedule.ending_as(planned, position.step)
