"""A simulated process beside the formulas that are exact, and by hand."""

from __future__ import annotations

from statistics import mean

import pytest

from benchmarks.capacity.queueing import erlang_b, md1_seconds, mm1_seconds, mm1k_refused
from benchmarks.capacity.sizing import Process
from benchmarks.capacity.steps import StepTime
from benchmarks.simulation.events import Events
from benchmarks.simulation.load import Arrivals, Lengths, Record
from benchmarks.simulation.request import Outcome, Request
from benchmarks.simulation.web_process import WebProcess

STEP = 20e-6
SHORT, LONG = 100, 2000
MANY = 10**6


def simulated(process: Process, load: float, lengths: Lengths, requests: int = 10_000, seed: int = 1) -> Record:
    """`load`: arrivals in the time of a text of the mean length."""
    events = Events()
    rate = load / (STEP * lengths.mean)
    arrivals = Arrivals(events, WebProcess(events, process).submit, rate, lengths, seed)
    arrivals.begin(requests / rate)
    events.run()
    return arrivals.record


def one_at_a_time(places: int = MANY) -> Process:
    return Process(StepTime(STEP, STEP), request=0, max_active=1, max_waiting=places - 1)


def test_one_at_a_time_is_m_m_1() -> None:
    record = simulated(one_at_a_time(), 0.6, Lengths(SHORT, "exponential"))
    assert mean(record.seconds) == pytest.approx(mm1_seconds(300, 500), rel=0.03)


def test_one_at_a_time_with_texts_of_one_length_is_m_d_1() -> None:
    record = simulated(one_at_a_time(), 0.6, Lengths(SHORT))
    assert mean(record.seconds) == pytest.approx(md1_seconds(300, 500), rel=0.03)


def test_few_places_are_m_m_1_k() -> None:
    record = simulated(one_at_a_time(5), 0.9, Lengths(SHORT, "exponential"))
    assert record.share("refused") == pytest.approx(mm1k_refused(450, 500, 5), rel=0.05)


@pytest.mark.parametrize("kind", ["constant", "exponential"])
def test_a_batch_whose_step_takes_as_long_for_each_is_processor_sharing(kind: str) -> None:
    process = Process(StepTime(STEP, STEP), request=0, max_active=MANY, max_waiting=0)
    lengths = Lengths(LONG, "constant" if kind == "constant" else "exponential")
    record = simulated(process, 0.5, lengths, 2500)
    assert mean(record.seconds) == pytest.approx(mm1_seconds(12.5, 25), rel=0.05)


def test_a_batch_whose_step_takes_as_long_for_all_is_erlang_b() -> None:
    process = Process(StepTime(STEP, 0), request=0, max_active=5, max_waiting=0)
    record = simulated(process, 4, Lengths(LONG), 4000)
    assert record.share("refused") == pytest.approx(erlang_b(5, 4), rel=0.05)
    assert mean(record.seconds) == pytest.approx(STEP * LONG, rel=0.05)


@pytest.mark.parametrize("load", [0.3, 0.8])
def test_a_web_process_takes_as_long_as_the_formula_says(load: float) -> None:
    process = Process(StepTime(20e-6, 4e-6), request=3e-4)
    rate = load * process.capacity(300)
    record = simulated(process, rate * STEP * 300, Lengths(300), 6000)
    assert mean(record.seconds) == pytest.approx(process.seconds(rate, 300), rel=0.05)


def test_turns_let_a_short_text_pass_a_long_one() -> None:
    events, ends = Events(), list[tuple[int, Outcome]]()
    process = WebProcess(events, Process(StepTime(STEP, STEP), request=0, max_active=1, max_waiting=2))
    for length in (10_000, 10_000, 50, 50):
        process.submit(Request(length, 0, lambda request, outcome: ends.append((request.length, outcome))))
    events.run()
    assert ends == [(50, "refused"), (50, "answered"), (10_000, "answered"), (10_000, "answered")]
    assert events.now == pytest.approx(20_050 * STEP)
    assert process.busy_seconds == pytest.approx(events.now)


def test_the_same_seed_gives_the_same_simulation() -> None:
    process = Process(StepTime(20e-6, 4e-6), request=3e-4, max_active=2, max_waiting=2)
    first, again, other = (simulated(process, 3, Lengths(300), 500, seed) for seed in (1, 1, 2))
    assert first.ended == again.ended != other.ended
