from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from service.processes.web_server.thread_pool import ThreadPool
from tests.waiting import LONGEST


class Hold:
    """Tasks that say that they have begun, and go on when they are let."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.go_on = threading.Event()
        self.ended = threading.Semaphore(0)

    def task(self) -> None:
        self.begun.release()
        assert self.go_on.wait(LONGEST)
        self.ended.release()

    def lending(self, threads: ThreadPool) -> Callable[[], None]:
        def task() -> None:
            with threads.lent():
                self.task()

        return task


def acquire(semaphore: threading.Semaphore, count: int) -> bool:
    return all(semaphore.acquire(timeout=LONGEST) for _ in range(count))


def test_no_more_tasks_at_once_than_places() -> None:
    threads, hold = ThreadPool(2), Hold()
    for _ in range(3):
        threads.submit(hold.task)
    assert acquire(hold.begun, 2)
    assert not hold.begun.acquire(timeout=0.05)
    hold.go_on.set()
    assert acquire(hold.ended, 3)
    assert threads.count == 2


@pytest.mark.parametrize("waiting", [1, 40])
def test_waiting_tasks_do_not_delay_others_and_threads_are_few_again_afterwards(waiting: int) -> None:
    threads, hold = ThreadPool(1), Hold()
    for _ in range(waiting):
        threads.submit(hold.lending(threads))
    assert acquire(hold.begun, waiting)
    done = threading.Event()
    threads.submit(done.set)
    assert done.wait(LONGEST)
    hold.go_on.set()
    assert acquire(hold.ended, waiting)
    for _ in range(waiting):  # every surplus thread ends with its task; what is left does the work
        done = threading.Event()
        threads.submit(done.set)
        assert done.wait(LONGEST)
    assert threads.count <= waiting + 1


def test_a_place_that_was_lent_is_taken_by_one_that_waited_for_it() -> None:
    threads, first, second = ThreadPool(1), Hold(), Hold()
    lend = threading.Event()

    def task() -> None:
        first.begun.release()
        assert lend.wait(LONGEST)
        with threads.lent():
            assert first.go_on.wait(LONGEST)
        first.ended.release()

    threads.submit(task)
    assert acquire(first.begun, 1)
    threads.submit(second.task)
    assert not second.begun.acquire(timeout=0.05)
    lend.set()
    assert acquire(second.begun, 1)
    second.go_on.set()
    first.go_on.set()
    assert acquire(first.ended, 1)
    assert acquire(second.ended, 1)
