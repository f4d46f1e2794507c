"""Reports of a run: each says where it stands, and what is new since the one before."""

from __future__ import annotations

import math

import pytest

from charrnn.training.pacing import Pacing
from charrnn.training.progress import REPORT_EVERY, Reporter
from charrnn.training.schedule import Schedule
from charrnn.training.state import RETRY_FACTOR, Position
from charrnn.training.steps import Step

PEAK = 0.01


def reporter(position: Position) -> Reporter:
    return Reporter(position, Pacing(None, 10, (100, 100)), PEAK)


def test_a_report_says_what_happened_since_the_one_before() -> None:
    position = Position(schedule=Schedule(20, 10))
    report = reporter(position)
    assert report.progress().loss is None and report.progress().characters_per_second is None
    for loss, seconds in ((2.0, 0.1), (1.0, 0.3)):
        position.count(loss, 100, 100)
        report.add(Step(loss, 5.0), 100, 100, seconds)
    first, second = report.progress(), report.progress()
    assert (first.step, first.steps, first.fraction, first.characters) == (2, 20, 0.1, 200)
    assert (first.loss, first.gradient_norm) == (1.5, 5.0)
    assert first.characters_per_second == pytest.approx(500)
    assert (second.step, second.loss, second.characters_per_second) == (2, None, None)


def test_it_is_time_for_a_report_once_steps_took_long_enough() -> None:
    report, due = reporter(Position()), []
    for loss in (1.0, math.nan):
        report.add(Step(loss, 1.0), 100, 100, 0.6 * REPORT_EVERY)
        due.append(report.due)
    assert report.progress().loss == 1.0, "a step whose loss is no number counts with its time alone"
    assert [*due, report.due] == [False, True, False]


def test_the_learning_rate_is_that_of_the_next_step_after_new_starts_too() -> None:
    position = Position(step=500, optimizer_steps=500, warmed_up=1.0, schedule=Schedule(1000, 40))
    before = reporter(position).progress().learning_rate
    position.retries = 2
    assert before == pytest.approx(PEAK * position.schedule.learning_rate(500, 1.0))
    assert reporter(position).progress().learning_rate == pytest.approx(before * RETRY_FACTOR**2)
