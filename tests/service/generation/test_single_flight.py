from __future__ import annotations

import threading
from collections.abc import Sequence

from service.generation.cancellation import CancelScope, Client
from service.generation.single_flight import SingleFlight
from tests.waiting import LONGEST


def scope() -> CancelScope:
    return CancelScope(Client(lambda: True), 10)


class Crowd:
    """Threads that ask for the same at the same moment; the first to make it is held until the others wait."""

    def __init__(self, failures: int) -> None:
        self.single_flight: SingleFlight[str, str] = SingleFlight()
        self.failures = failures
        self.made = 0
        self.gate = threading.Event()
        self.results: list[tuple[str, bool]] = []
        self.errors: list[Exception] = []

    def make(self, _: Sequence[str]) -> list[str]:
        self.made += 1
        assert self.gate.wait(LONGEST)
        if self.made <= self.failures:
            raise ValueError("not this time")
        return ["text"]

    def ask(self) -> None:
        try:
            self.results.append(self.single_flight.once(["key"], self.make, scope())["key"])
        except ValueError as error:
            self.errors.append(error)

    def gather(self, size: int) -> None:
        threads = [threading.Thread(target=self.ask) for _ in range(size)]
        for thread in threads:
            thread.start()
        self.gate.set()
        for thread in threads:
            thread.join(LONGEST)


def test_each_of_a_crowd_gets_the_result() -> None:
    crowd = Crowd(failures=0)
    crowd.gather(8)
    assert [result for result, _ in crowd.results] == ["text"] * 8
    assert crowd.made == sum(not joined for _, joined in crowd.results)


def test_a_waiting_thread_gets_the_result_of_another() -> None:
    single_flight: SingleFlight[str, str] = SingleFlight()
    begun, gate = threading.Event(), threading.Event()

    def make(keys: Sequence[str]) -> list[str]:
        begun.set()
        assert gate.wait(LONGEST)
        return [f"text {key}" for key in keys]

    class Looking(CancelScope):
        def wait(self, event: threading.Event) -> bool:
            gate.set()
            return super().wait(event)

    led: list[dict[str, tuple[str, bool]]] = []
    leader = threading.Thread(target=lambda: led.append(single_flight.once("ab", make, scope())))
    leader.start()
    assert begun.wait(LONGEST)
    joined = single_flight.once("cacb", lambda keys: [f"another {key}" for key in keys], Looking(Client(), 10))
    assert joined == {"c": ("another c", False), "a": ("text a", True), "b": ("text b", True)}
    leader.join(LONGEST)
    assert led == [{"a": ("text a", False), "b": ("text b", False)}]


def test_two_that_each_need_what_the_other_makes_do_not_wait_for_ever() -> None:
    single_flight: SingleFlight[str, str] = SingleFlight()
    both, results = threading.Barrier(2, timeout=LONGEST), list[dict[str, tuple[str, bool]]]()

    def make(keys: Sequence[str]) -> list[str]:
        if "a" in keys or "c" in keys:
            both.wait()
        return list(keys)

    threads = [
        threading.Thread(target=lambda keys=keys: results.append(single_flight.once(keys, make, scope())))
        for keys in ("ab", "cb")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONGEST)
    assert [{key: made for key, (made, _) in each.items()} for each in results] in (
        [{"a": "a", "b": "b"}, {"c": "c", "b": "b"}],
        [{"c": "c", "b": "b"}, {"a": "a", "b": "b"}],
    )
    assert sum(not joined for each in results for _, joined in each.values()) == 3


def test_when_it_fails_another_takes_over() -> None:
    crowd = Crowd(failures=2)
    crowd.gather(8)
    assert len(crowd.errors) == 2
    assert [result for result, _ in crowd.results] == ["text"] * 6


def test_what_is_made_already_is_made_again_when_asked_for_later() -> None:
    single_flight: SingleFlight[str, int] = SingleFlight()
    made = [single_flight.once(["key"], lambda _, at=at: [at], scope()) for at in range(2)]  # type: ignore[misc]
    assert made == [{"key": (0, False)}, {"key": (1, False)}]
