"""How often it is asked, and who waits for the answer."""

from __future__ import annotations

from threading import Event, Thread

from service.recently import FRESH_SECONDS, Recently
from tests.waiting import LONGEST


def test_an_answer_counts_for_a_second() -> None:
    now, asked = [0.0], list[int]()

    def ask() -> int:
        asked.append(1)
        return len(asked)

    recently = Recently(ask, clock=lambda: now[0])
    assert [recently() for _ in range(3)] == [1, 1, 1]
    now[0] = FRESH_SECONDS
    assert [recently() for _ in range(3)] == [2, 2, 2]


def test_all_wait_for_the_one_who_asks() -> None:
    asking, answer, found, asked = Event(), Event(), list[int](), list[int]()

    def ask() -> int:
        asked.append(1)
        asking.set()
        answer.wait(LONGEST)
        return len(asked)

    recently = Recently(ask)
    threads = [Thread(target=lambda: found.append(recently())) for _ in range(3)]
    threads[0].start()
    assert asking.wait(LONGEST)
    for each in threads[1:]:
        each.start()
    answer.set()
    for each in threads:
        each.join()
    assert found == [1, 1, 1]
