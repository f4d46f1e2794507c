"""Learning rates and evaluations as functions of the step."""

import json
import math
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.training.schedule import EVALUATIONS, FLOOR, SAMPLED, WARM_UP, Schedule
from charrnn.training.state import RETRY_FACTOR, Position


def rates(schedule: Schedule, steps: int) -> list[float]:
    """The learning rates of the first steps of a run with this schedule, as shares of the peak."""
    position, found = Position(schedule=schedule), []
    for _ in range(steps):
        found.append(position.learning_rate(1.0))
        position.count(1.0, 1, 1)
    return found


def test_it_rises_straight_and_falls_as_half_a_cosine() -> None:
    found = rates(Schedule(1000, 40), 1001)
    assert found[0] == pytest.approx(1 / 50)
    assert found[24] == pytest.approx(0.5)
    assert found[49] == pytest.approx(1.0) == max(found)
    assert found[525] == pytest.approx((1 + FLOOR) / 2)
    assert found[1000] == pytest.approx(FLOOR)
    assert all(a > b for a, b in pairwise(found[51:]))


def test_while_a_budget_is_measured_it_only_rises() -> None:
    found = rates(Schedule(None), 5001)
    assert [found[step] for step in (0, 49, 99, 5000)] == pytest.approx([0.01, 0.5, 1.0, 1.0])


def test_one_step_is_a_schedule() -> None:
    schedule = Schedule.of(1, 100, 0)
    assert schedule.learning_rate(0, 0.0) == 1.0
    assert schedule.evaluates(0) and schedule.evaluates(1)


@given(st.integers(1, 10**7))
def test_a_warm_up_is_a_small_share_of_the_steps(total: int) -> None:
    warm_up = Schedule(total).warm_up
    assert min(20, total // 5) <= warm_up <= max(1, min(WARM_UP, -(-total // 5)))


Event = tuple[str, int]
"""What happens after a step, and a number of steps."""

EVENTS = st.tuples(st.sampled_from(["plan", "resume", "restart", "nothing"]), st.integers(1, 3000))


@given(st.integers(0, 300), st.integers(1, 3000), st.dictionaries(st.integers(1, 900), EVENTS, max_size=12))
def test_the_rate_never_jumps(known_from: int, first: int, events: dict[int, Event]) -> None:
    """The total becomes known late, becomes another often, and the run is resumed and restarted anywhere: a change of
    the plan does not change how the rate goes on by more than the plan says for a step, and it comes down in the end.
    """
    position = Position(schedule=Schedule(None) if known_from else Schedule.of(first, 10, 10))
    before, left = 0.0, math.inf
    while position.step < min(1000, position.schedule.total or 1000):
        rate, schedule = position.learning_rate(1.0), position.schedule
        peak = RETRY_FACTOR**position.retries
        assert rate <= before + peak * schedule.rise * (1 + 1e-9), "it rises as in a warm-up"
        assert rate >= before - peak * math.pi / 2 * 2 / left, "it falls as a cosine over the steps left"
        left = math.inf if schedule.total is None else schedule.total - position.step
        position.count(1.0, 1, 1)
        before = rate
        kind, steps = events.get(position.step, ("nothing", 0))
        if position.step == known_from:
            other = replace(Schedule.of(position.step + first, 10, 10), known_from=known_from)
            position.schedule = other
        elif kind == "plan" and schedule.total is not None and position.step < schedule.total:
            position.schedule = schedule.ending_as(Schedule.of(position.step + steps, 10, 10), position.step)
        elif kind == "resume":
            position = Position.from_dict(json.loads(json.dumps(position.as_dict())))
        elif kind == "restart":
            position.start_again()
            before = 0.0
    if position.step == position.schedule.total:
        assert before <= peak_of_last_step(position.schedule) * (1 + 1e-9)


def peak_of_last_step(schedule: Schedule) -> float:
    """What a rate of 1 comes down to at the last step."""
    return schedule.learning_rate((schedule.total or 1) - 1, 1.0)


@given(st.integers(1, 10**6), st.integers(0, 10**6), st.floats(0, 1), st.integers(1, 10**6))
def test_a_changed_plan_gives_the_next_step_the_rate_it_had(
    total: int, step: int, warmed_up: float, other: int
) -> None:
    step = min(step, total - 1)
    schedule = Schedule.of(total, 10, 10)
    for _ in range(3):
        changed = schedule.ending_as(Schedule.of(step + other, 10, 10), step)
        assert changed.learning_rate(step, warmed_up) == pytest.approx(schedule.learning_rate(step, warmed_up))
        assert changed.learning_rate(step + other, 1.0) == pytest.approx(schedule.learning_rate(total, 1.0))
        schedule, step, total = changed, step + other // 2, step + other


@given(st.integers(0, 10**5), st.integers(1, 10**5))
def test_a_total_that_becomes_known_changes_the_rate_by_a_step_of_the_warm_up(known_from: int, left: int) -> None:
    """Three steps of a minute were known too late: the rate went from a sixth of the peak to the peak at once."""
    position = Position(step=known_from, warmed_up=min(1.0, known_from / WARM_UP))
    before = position.learning_rate(1.0)
    position.schedule = replace(Schedule.of(known_from + left, 10, 10), known_from=known_from)
    assert before <= position.learning_rate(1.0) + 1e-9 <= before + position.schedule.rise + 2e-9


@pytest.mark.parametrize("total", [1, 24, 25, 26, 1000, 4001])
def test_there_are_no_more_evaluations_than_agreed_and_the_ends_have_one(total: int) -> None:
    schedule = Schedule.of(total, 2048, 1000)
    evaluated = [step for step in range(total + 1) if schedule.evaluates(step)]
    assert evaluated[0] == 0 and evaluated[-1] == total
    assert len(evaluated) <= EVALUATIONS + 1


def test_a_long_validation_text_is_read_less_often() -> None:
    schedule = Schedule.of(4000, 2048, 1_000_000)
    read = sum(1_000_000 for step in range(1, 4001) if step % schedule.evaluate_every == 0)
    assert 0 < read <= 0.25 * 4000 * 2048


def test_while_a_budget_is_measured_only_the_beginning_is_evaluated() -> None:
    assert [step for step in range(50) if Schedule(None).evaluates(step)] == [0]


def test_a_measured_schedule_fills_the_time_with_steps_and_evaluations() -> None:
    schedule = Schedule.measured(100, 50.0, 0.01, 0.4)
    assert schedule.total is not None
    steps = schedule.total - 100
    evaluations = steps / schedule.evaluate_every
    assert steps * 0.01 + evaluations * 0.4 == pytest.approx(50, abs=1)


def test_a_measured_schedule_has_a_step_left_even_when_the_time_is_over() -> None:
    assert Schedule.measured(7, -3.0, 0.5, 1.0).total == 8


@given(total=st.integers(1, 10**7), known_from=st.integers(0, 10**6))
def test_samples_show_each_share_once_and_none_before_the_total_is_known(total: int, known_from: int) -> None:
    known_from = min(known_from, total)
    schedule = Schedule(total, 10, known_from)
    wanted = [-(-share * total // 100) for share in SAMPLED]
    for step in {*wanted, known_from, total}:
        assert schedule.samples(step) == (step >= known_from and (step in wanted or (step == known_from > wanted[0])))


def test_while_a_budget_is_measured_there_are_no_samples() -> None:
    assert not any(Schedule(None).samples(step) for step in range(50))
    measured = Schedule.measured(100, 50.0, 0.01, 0.4).at_most(5000, 2048, 10_000)
    assert measured.samples(100), "1% was over when the total became known"
    assert not measured.samples(101)
