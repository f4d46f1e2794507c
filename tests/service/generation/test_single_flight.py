from __future__ import annotations

import threading

from service.generation.cancellation import CancelScope, Client
from service.generation.single_flight import SingleFlight


def scope() -> CancelScope:
    return CancelScope(Client(lambda: True), 10)


class Crowd:
    """Threads that ask for the same at the same moment; the first to make it is held until the others wait."""

    def __init__(self, failures: int) -> None:
        self.single_flight: SingleFlight[str] = SingleFlight()
        self.failures = failures
        self.made = 0
        self.gate = threading.Event()
        self.results: list[tuple[str, bool]] = []
        self.errors: list[Exception] = []

    def make(self) -> str:
        self.made += 1
        assert self.gate.wait(10)
        if self.made <= self.failures:
            raise ValueError("not this time")
        return "text"

    def ask(self) -> None:
        try:
            self.results.append(self.single_flight.once("key", self.make, scope()))
        except ValueError as error:
            self.errors.append(error)

    def gather(self, size: int) -> None:
        threads = [threading.Thread(target=self.ask) for _ in range(size)]
        for thread in threads:
            thread.start()
        self.gate.set()
        for thread in threads:
            thread.join(10)


def test_each_of_a_crowd_gets_the_result() -> None:
    crowd = Crowd(failures=0)
    crowd.gather(8)
    assert [result for result, _ in crowd.results] == ["text"] * 8
    assert crowd.made == sum(not joined for _, joined in crowd.results)


def test_a_waiting_thread_gets_the_result_of_another() -> None:
    single_flight: SingleFlight[str] = SingleFlight()
    begun, gate = threading.Event(), threading.Event()

    def make() -> str:
        begun.set()
        assert gate.wait(10)
        return "text"

    class Looking(CancelScope):
        def wait(self, event: threading.Event) -> bool:
            gate.set()
            return super().wait(event)

    led: list[tuple[str, bool]] = []
    leader = threading.Thread(target=lambda: led.append(single_flight.once(1, make, scope())))
    leader.start()
    assert begun.wait(10)
    assert single_flight.once(1, lambda: "another", Looking(Client(), 10)) == ("text", True)
    leader.join(10)
    assert led == [("text", False)]


def test_when_it_fails_another_takes_over() -> None:
    crowd = Crowd(failures=2)
    crowd.gather(8)
    assert len(crowd.errors) == 2
    assert [result for result, _ in crowd.results] == ["text"] * 6


def test_what_is_made_already_is_made_again_when_asked_for_later() -> None:
    single_flight: SingleFlight[int] = SingleFlight()
    assert [single_flight.once("key", lambda at=at: at, scope()) for at in range(2)] == [(0, False), (1, False)]  # type: ignore[misc]
