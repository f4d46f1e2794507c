"""How often it is asked, and who waits for the answer."""

from __future__ import annotations

from threading import Event, Thread

from service.recently import FRESH_SECONDS, Recently


def test_an_answer_counts_for_a_second() -> None:
    now, asked = [0.0], list[int]()

    def ask() -> int:
        asked.append(1)
        return len(asked)

    recently = Recently(ask, clock=lambda: now[0])
    assert [recently() for _ in range(3)] == [1, 1, 1]
    now[0] = FRESH_SECONDS
    assert [recently() for _ in range(3)] == [2, 2, 2]


def test_whoever_asks_meanwhile_gets_the_latest_answer() -> None:
    now, asking, answer = [0.0], Event(), Event()

    def ask() -> str:
        if now[0]:
            asking.set()
            answer.wait(10)
            return "later"
        return "first"

    recently = Recently(ask, clock=lambda: now[0])
    assert recently() == "first"
    now[0] = FRESH_SECONDS
    slow = Thread(target=recently)
    slow.start()
    assert asking.wait(10)
    assert recently() == "first"
    answer.set()
    slow.join()
    assert recently() == "later"


def test_until_there_is_an_answer_all_wait_for_the_one_who_asks() -> None:
    asking, answer, found = Event(), Event(), list[str]()

    def ask() -> str:
        asking.set()
        answer.wait(10)
        return f"answer {len(found)}"

    recently = Recently(ask)
    threads = [Thread(target=lambda: found.append(recently())) for _ in range(3)]
    threads[0].start()
    assert asking.wait(10)
    for each in threads[1:]:
        each.start()
    answer.set()
    for each in threads:
        each.join()
    assert found == ["answer 0"] * 3
