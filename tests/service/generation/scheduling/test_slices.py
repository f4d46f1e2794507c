"""Slices run in order, between the steps of sequences, and give way to them."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError

import pytest

from service.generation.errors import ClosedError
from service.generation.scheduling.scheduler import Scheduler
from service.generation.scheduling.slices import PAUSE, QUIET_SECONDS, SHORT_SLICE_SECONDS, SLICE_SECONDS, Slices
from tests.service.conftest import CountingEngine
from tests.service.generation.scheduling.test_scheduler import SECONDS, Asked, wait


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def work(clock: Clock, seconds: float) -> float:
    clock.now += seconds
    return seconds


def test_slices_run_in_order_and_at_once_while_nothing_is_active() -> None:
    clock = Clock()
    slices = Slices(clock)
    futures = [slices.add(lambda seconds=seconds: work(clock, seconds)) for seconds in (3.0, 1.0)]  # type: ignore[misc]
    slices.run(busy=False)
    assert [future.done() for future in futures] == [True, False] and len(slices) == 1
    slices.run(busy=False)
    assert [future.result() for future in futures] == [3, 1]
    slices.run(busy=False)


def test_active_sequences_get_a_pause_as_long_as_the_slice_took_several_times() -> None:
    clock = Clock()
    slices = Slices(clock)
    futures = [slices.add(lambda: work(clock, 2.0)) for _ in range(2)]
    slices.run(busy=True)
    clock.now += 2 * PAUSE - 0.1
    slices.run(busy=True)
    assert [future.done() for future in futures] == [True, False]
    clock.now += 0.2
    slices.run(busy=True)
    assert futures[1].done()


def test_slices_are_short_while_sequences_are_active_and_for_a_while_after() -> None:
    clock = Clock()
    slices = Slices(clock)
    assert slices.seconds == SLICE_SECONDS
    slices.run(busy=True)
    slices.run(busy=False)
    assert slices.seconds == SHORT_SLICE_SECONDS
    clock.now += QUIET_SECONDS
    assert slices.seconds == SLICE_SECONDS


def test_errors_and_cancelled_slices_are_the_callers() -> None:
    slices = Slices(Clock())
    cancelled, broken, last = slices.add(lambda: 1), slices.add(lambda: 1 // 0), slices.add(lambda: 2)
    cancelled.cancel()
    for _ in range(2):
        slices.run(busy=False)
    slices.fail(ClosedError("closed"))
    with pytest.raises(CancelledError):
        cancelled.result(0)
    with pytest.raises(ZeroDivisionError):
        broken.result(0)
    with pytest.raises(ClosedError, match="closed"):
        last.result(0)


def test_a_slice_runs_in_its_own_thread_if_nothing_else_happens(scheduler: Scheduler) -> None:
    assert scheduler.submit_slice(threading.get_ident).result(0) == threading.get_ident()


def test_slices_and_sequences_go_on_together(scheduler: Scheduler, engine: CountingEngine) -> None:
    endless = Asked(1 << 30)
    scheduler.submit(engine, [endless])
    assert [scheduler.submit_slice(lambda i=i: i).result(SECONDS) for i in range(20)] == list(range(20))  # type: ignore[misc]
    short = Asked(7)
    scheduler.submit(engine, [short])
    assert wait(short).tolist() == [1, 2, 3, 4, 5, 6, 7]
    endless.cancel()


def test_a_sequence_that_comes_during_a_slice_is_not_forgotten(scheduler: Scheduler, engine: CountingEngine) -> None:
    short = Asked(5)

    def slice_() -> None:
        scheduler.submit(engine, [short], helps=True)
        scheduler.help(lambda: False)  # as a request does, in vain: this thread is advancing

    scheduler.submit_slice(slice_).result(SECONDS)
    assert wait(short).tolist() == [1, 2, 3, 4, 5]


def test_the_end_of_the_process_ends_slices(scheduler: Scheduler) -> None:
    entered, opened = threading.Event(), threading.Event()

    def slow() -> None:
        entered.set()
        opened.wait(SECONDS)

    thread = threading.Thread(target=lambda: scheduler.submit_slice(slow))
    thread.start()
    assert entered.wait(SECONDS)
    waiting = scheduler.submit_slice(lambda: 1)
    scheduler.give_up()
    opened.set()
    with pytest.raises(ClosedError, match="shutting down"):
        waiting.result(SECONDS)
    with pytest.raises(ClosedError):
        scheduler.submit_slice(lambda: 1)
    thread.join()
