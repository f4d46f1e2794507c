"""Learning rates and evaluations as functions of the step."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.training.schedule import EVALUATIONS, FLOOR, SAMPLED, Schedule


def test_it_rises_straight_and_falls_as_half_a_cosine() -> None:
    schedule = Schedule(1000, 40)
    rates = [schedule.learning_rate(step, step) for step in range(1001)]
    assert rates[0] == pytest.approx(1 / 50)
    assert rates[24] == pytest.approx(0.5)
    assert max(rates) == rates[50] == 1.0
    assert rates[525] == pytest.approx((1 + FLOOR) / 2)
    assert rates[1000] == pytest.approx(FLOOR)
    assert all(a > b for a, b in pairwise(rates[50:]))


def test_new_weights_warm_up_again() -> None:
    schedule = Schedule(1000, 40)
    assert schedule.learning_rate(500, 0) == pytest.approx(schedule.learning_rate(500, 500) / 50)


def test_while_a_budget_is_measured_it_only_rises() -> None:
    schedule = Schedule(None)
    assert [schedule.learning_rate(step, step) for step in (0, 49, 99, 5000)] == [0.01, 0.5, 1.0, 1.0]


def test_one_step_is_a_schedule() -> None:
    schedule = Schedule.of(1, 100, 0)
    assert schedule.learning_rate(0, 0) == 1.0
    assert schedule.evaluates(0) and schedule.evaluates(1)


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
    schedule = Schedule.measured(100, 50.0, 0.01, 0.4, (2048, 10_000))
    assert schedule.total is not None
    steps = schedule.total - 100
    evaluations = steps / schedule.evaluate_every
    assert steps * 0.01 + evaluations * 0.4 == pytest.approx(50, abs=1)


def test_a_measured_schedule_has_a_step_left_even_when_the_time_is_over() -> None:
    assert Schedule.measured(7, -3.0, 0.5, 1.0, (10, 10)).total == 8


@given(total=st.integers(1, 10**7), known_from=st.integers(0, 10**6))
def test_samples_show_each_share_once_and_none_before_the_total_is_known(total: int, known_from: int) -> None:
    known_from = min(known_from, total)
    schedule = Schedule(total, 10, known_from)
    wanted = [-(-share * total // 100) for share in SAMPLED]
    for step in {*wanted, known_from, total}:
        assert schedule.samples(step) == (step >= known_from and (step in wanted or (step == known_from > wanted[0])))


def test_while_a_budget_is_measured_there_are_no_samples() -> None:
    assert not any(Schedule(None).samples(step) for step in range(50))
    measured = Schedule.measured(100, 50.0, 0.01, 0.4, (2048, 10_000)).at_most(5000, 2048, 10_000)
    assert measured.samples(100), "1% was over when the total became known"
    assert not measured.samples(101)
