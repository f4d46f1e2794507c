from __future__ import annotations

import threading

import pytest

from service.generation.clients import Client
from service.generation.errors import ClientGoneError, DeadlineError
from service.generation.patience import Flights, Patience


def patient() -> Patience:
    return Patience(Client(lambda: True), timeout=10)


def test_it_ends_when_the_client_is_gone() -> None:
    with pytest.raises(ClientGoneError):
        Patience(Client(lambda: False), None).wait(threading.Event())


def test_it_ends_when_the_time_is_over() -> None:
    now = [5.0]
    patience = Patience(Client(lambda: True), 3, lambda: now[0])
    assert not patience.wait(threading.Event())
    now[0] = 8.0
    with pytest.raises(DeadlineError, match="within 3 s"):
        patience.wait(threading.Event())


def test_what_comes_in_time_is_taken_whoever_is_gone() -> None:
    event = threading.Event()
    event.set()
    assert Patience(Client(lambda: False), 3).wait(event)


class Crowd:
    """Threads that ask for the same at the same moment; the first to make it is held until the others wait."""

    def __init__(self, failures: int) -> None:
        self.flights: Flights[str] = Flights()
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
            self.results.append(self.flights.once("key", self.make, patient()))
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


def test_one_who_waits_is_given_what_another_made() -> None:
    flights: Flights[str] = Flights()
    begun, gate = threading.Event(), threading.Event()

    def make() -> str:
        begun.set()
        assert gate.wait(10)
        return "text"

    class Looking(Patience):
        def wait(self, event: threading.Event) -> bool:
            gate.set()
            return super().wait(event)

    led: list[tuple[str, bool]] = []
    leader = threading.Thread(target=lambda: led.append(flights.once(1, make, patient())))
    leader.start()
    assert begun.wait(10)
    assert flights.once(1, lambda: "another", Looking(Client(), 10)) == ("text", True)
    leader.join(10)
    assert led == [("text", False)]


def test_when_it_fails_another_takes_over() -> None:
    crowd = Crowd(failures=2)
    crowd.gather(8)
    assert len(crowd.errors) == 2
    assert [result for result, _ in crowd.results] == ["text"] * 6


def test_what_is_made_already_is_made_again_when_asked_for_later() -> None:
    flights: Flights[int] = Flights()
    assert [flights.once("key", lambda at=at: at, patient()) for at in range(2)] == [(0, False), (1, False)]  # type: ignore[misc]
