"""Budgets in minutes, kept on machines that become busy or idle while they train: the time is a number that grows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.training.pacing import MIN_STEPS, Pacing
from charrnn.training.schedule import FLOOR, LEAST_EVALUATIONS, SAMPLED, Schedule
from charrnn.training.state import Position
from tests.laws import examples

SIZES = (2048, 100_000)
Slowness = Callable[[float], float]
"""How many times as long as usual everything takes, at this share of the budget."""


@dataclass
class Run:
    """A training without a network: what it took, what it set, and the learning rate of every step."""

    seconds: float = 0.0
    rates: list[float] = field(default_factory=list)
    fractions: list[float] = field(default_factory=list)
    sampled: list[int] = field(default_factory=list)
    evaluations: int = 0
    evaluating: float = 0.0
    """Seconds in evaluations."""
    position: Position = field(default_factory=Position)

    @property
    def schedule(self) -> Schedule:
        return self.position.schedule


def run(
    minutes: float,
    step_seconds: float,
    slowness: Slowness,
    evaluation_steps: float = 20,
    most_steps: int = 10**9,
    initialization: float = 0.0,
) -> Run:
    """`initialization`: by how many seconds the first evaluation takes longer."""
    made, pacing = Run(), Pacing(60 * minutes, most_steps, SIZES)
    position = made.position

    def take(seconds: float) -> float:
        seconds *= slowness(position.seconds / (60 * minutes))
        position.seconds += seconds
        return seconds

    while True:
        if made.schedule.evaluates(position.step):
            once = 0.0 if position.step else initialization
            took = take(evaluation_steps * step_seconds + once)
            pacing.evaluated(took)
            made.evaluations, made.evaluating = made.evaluations + 1, made.evaluating + took
        if position.step == made.schedule.total:
            made.seconds = position.seconds
            return made
        made.rates.append(position.learning_rate(1.0))
        made.fractions.append(made.schedule.fraction(position.step))
        take(step_seconds)
        position.count(1.0, 1, 1)
        due, unknown = made.schedule.samples(position.step), made.schedule.total is None
        pacing.look(position)
        if due or (unknown and made.schedule.samples(position.step)):
            made.sampled.append(position.step)


MACHINES: dict[str, Slowness] = {
    "as ever": lambda _: 1,
    "busy from a tenth on": lambda share: 1 if share < 0.1 else 3,
    "busy for the second half": lambda share: 1 if share < 0.5 else 4,
    "busy at the end": lambda share: 1 if share < 0.9 else 3,
    "idle from a tenth on": lambda share: 4 if share < 0.1 else 1,
    "idle for the second half": lambda share: 1 if share < 0.5 else 0.2,
    "idle at the end": lambda share: 3 if share < 0.9 else 1,
    "busy now and then": lambda share: 3 if int(20 * share) % 2 else 1,
    "slower and slower": lambda share: 1 + 5 * share,
}


@pytest.mark.parametrize(("minutes", "step_seconds"), [(1, 0.02), (5, 0.1), (60, 1.2)])
@pytest.mark.parametrize("machine", MACHINES)
def test_the_promise_is_kept_within_a_tenth(minutes: float, step_seconds: float, machine: str) -> None:
    made = run(minutes, step_seconds, MACHINES[machine])
    assert made.seconds == pytest.approx(60 * minutes, rel=0.1)
    check_sane(made)


@examples(40)
@given(
    st.floats(0.5, 10),
    st.integers(300, 3000),
    st.lists(st.floats(0.3, 3), min_size=1, max_size=10),
    st.floats(0, 50),
)
def test_whatever_the_machine_does_the_rate_comes_down_and_samples_are_reported_once(
    minutes: float, steps: int, speeds: list[float], evaluation_steps: float
) -> None:
    def slowness(share: float) -> float:
        return speeds[min(int(share * len(speeds)), len(speeds) - 1)]

    check_sane(run(minutes, 60 * minutes / steps, slowness, evaluation_steps))


@examples(60)
@given(
    minutes=st.sampled_from([1, 5, 25, 180]),
    steps=st.integers(300, 3000),
    loads=st.lists(st.tuples(st.floats(0.002, 0.5), st.floats(1, 4)), max_size=20),
    evaluation=st.floats(0.0001, 0.01),
    initialization=st.floats(0, 0.5),
)
def test_minutes_are_minutes_on_a_machine_with_loads_that_come_and_go(
    minutes: float, steps: int, loads: list[tuple[float, float]], evaluation: float, initialization: float
) -> None:
    """Each load lasts for a share of the minutes, and makes everything take so many times as long; `evaluation` is what
    one takes, as a share of the minutes."""

    def slowness(share: float) -> float:
        for lasts, times in loads:
            share -= lasts
            if share < 0:
                return times
        return 1.0

    step_seconds = 60 * minutes / steps
    made = run(minutes, step_seconds, slowness, evaluation * steps, 10**9, initialization)
    assert made.seconds == pytest.approx(60 * minutes, rel=0.1)
    check_sane(made)


@given(minutes=st.sampled_from([1, 5, 60]), steps=st.integers(200, 3000), evaluation=st.floats(0.0001, 0.01))
@examples(30)
def test_evaluations_take_less_than_a_tenth(minutes: float, steps: int, evaluation: float) -> None:
    made = run(minutes, 60 * minutes / steps, lambda _: 1, evaluation * steps)
    assert made.evaluating <= 0.1 * 60 * minutes
    assert made.evaluations >= LEAST_EVALUATIONS


def check_sane(made: Run) -> None:
    """The learning rate rises, then falls without a jump as long as steps are many, to its floor; every share is
    sampled once, and as much is done as was planned."""
    total = made.schedule.total
    assert total is not None and made.position.step == total == len(made.rates)
    peak = made.rates.index(max(made.rates))
    assert all(a >= b for a, b in pairwise(made.rates[peak:]))
    assert made.schedule.learning_rate(total, 1.0) == pytest.approx(FLOOR)
    assert all(a <= b for a, b in pairwise(made.fractions)) and made.schedule.fraction(total) == 1.0
    assert made.sampled[-1] == total and 1 <= len(made.sampled) <= len(SAMPLED)
    steps = [each["step"] for each in made.position.replanned]
    assert steps == sorted(set(steps)) and len(steps) < 70


def test_a_machine_that_stays_as_it_is_never_changes_the_plan() -> None:
    assert run(5, 0.02, lambda _: 1).position.replanned == []


def test_adjusting_the_number_of_steps_is_recorded_and_nothing_jumps() -> None:
    made = run(5, 0.02, MACHINES["busy for the second half"])
    (change, *_) = made.position.replanned
    assert 5000 < change["step"] < change["steps_total"] < 12_000
    assert made.position.replanned[-1]["steps_total"] == made.schedule.total
    assert max(a - b for a, b in pairwise(made.rates[300:])) < 0.002


def test_there_are_about_as_many_evaluations_as_planned() -> None:
    for machine in ("as ever", "busy for the second half", "idle for the second half"):
        assert 15 <= run(5, 0.02, MACHINES[machine], evaluation_steps=2).evaluations <= 40


def test_more_time_than_a_text_can_use_is_not_used() -> None:
    made = run(60, 0.01, lambda _: 1, most_steps=900)
    assert made.schedule.total == 900 and made.position.ends_early
    assert run(60, 0.001, lambda _: 1, most_steps=1).schedule.total == MIN_STEPS
    assert not run(1, 0.02, lambda _: 1, most_steps=2800).position.ends_early


def test_seconds_left_are_those_of_the_pace() -> None:
    pacing, position = Pacing(60, 10**6, SIZES), Position()
    assert pacing.seconds_left(position) is None
    while position.schedule.total is None:
        position.step, position.seconds = position.step + 1, position.seconds + 0.1
        pacing.look(position)
    assert pacing.seconds_left(position) == pytest.approx(60 - position.seconds, abs=0.2)
    position.step = position.schedule.total
    assert pacing.seconds_left(position) == 0


def test_without_minutes_the_schedule_stays_and_seconds_left_are_those_of_the_mean_pace() -> None:
    schedule = Schedule(40, 10)
    pacing, position = Pacing(None, 100, SIZES), Position(schedule=schedule)
    assert pacing.seconds_left(position) is None
    for _ in range(10):
        position.step, position.seconds = position.step + 1, position.seconds + 0.5
        pacing.look(position)
    assert position.schedule is schedule and position.replanned == []
    assert pacing.seconds_left(position) == pytest.approx(15)
