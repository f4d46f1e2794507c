"""Replicas behind a balancer: whom it asks, and what a failure costs."""

from __future__ import annotations

import pytest

from benchmarks.capacity.sizing import Process
from benchmarks.capacity.steps import StepTime
from benchmarks.simulation.cluster import CONNECT_SECONDS, READ_SECONDS, Cluster, Policy, Shape
from benchmarks.simulation.events import Events
from benchmarks.simulation.request import Outcome, Request

SHAPE = Shape(Process(StepTime(1e-3, 1e-3), request=0), start=2)
SECOND = 1000
"""The length of a text that takes a second alone."""


class Asked:
    """A cluster, and the ends of the requests sent to it."""

    def __init__(self, replicas: int, policy: Policy = "round_robin") -> None:
        self.events = Events()
        self.cluster = Cluster(self.events, SHAPE, replicas, policy)
        self.ends: list[tuple[float, Outcome]] = []

    def ask(self, length: int = SECOND) -> None:
        self.cluster.submit(Request(length, self.events.now, self._end))

    def numbers(self) -> list[int]:
        return [len(replica.requests) for replica in self.cluster.listed]

    def _end(self, request: Request, outcome: Outcome) -> None:
        self.ends.append((round(self.events.now - request.arrived, 2), outcome))


def test_round_robin_asks_one_after_the_other() -> None:
    asked = Asked(3)
    for _ in range(7):
        asked.ask()
    assert sorted(asked.numbers()) == [2, 2, 3]


def test_least_connections_asks_who_has_fewest() -> None:
    asked = Asked(3, "least_connections")
    for length in (SECOND, 10, 10):
        asked.ask(length)
    asked.events.run(0.5)
    for _ in range(2):
        asked.ask()
    assert asked.numbers() == [1, 1, 1]


@pytest.mark.parametrize("policy", ["round_robin", "least_connections"])
def test_what_a_replica_loses_when_it_is_killed_is_asked_of_another(policy: Policy) -> None:
    asked = Asked(2, policy)
    for _ in range(2):
        asked.ask()
    asked.events.run(0.5)
    asked.cluster.fail()
    for _ in range(2):
        asked.ask()
    asked.events.run()
    assert [outcome for _, outcome in asked.ends] == ["answered"] * 4
    assert len(asked.cluster.listed) == 1


def test_a_machine_that_is_cut_off_costs_the_time_to_notice() -> None:
    asked = Asked(2)
    for _ in range(2):
        asked.ask()
    asked.cluster.fail(silent=True)
    for _ in range(2):
        asked.ask(10)
    asked.events.run()
    (_, *answered, last) = sorted(seconds for seconds, outcome in asked.ends)
    assert [outcome for _, outcome in asked.ends] == ["answered"] * 4
    assert max(answered) == pytest.approx(CONNECT_SECONDS, abs=0.2)
    assert last == pytest.approx(READ_SECONDS + 1, abs=0.2)


def test_without_another_replica_requests_fail() -> None:
    asked = Asked(1)
    asked.ask()
    asked.cluster.fail()
    asked.ask()
    asked.events.run()
    assert [outcome for _, outcome in asked.ends] == ["failed", "failed"]


def test_an_upgrade_loses_nothing_and_replaces_all() -> None:
    asked = Asked(3)
    before = list(asked.cluster.listed)
    asked.events.after(1, asked.cluster.upgrade)
    for tenth in range(150):
        asked.events.after(tenth / 10, asked.ask, 100)
    asked.events.run()
    assert {outcome for _, outcome in asked.ends} == {"answered"}
    assert len(asked.cluster.listed) == 3
    assert not set(before) & set(asked.cluster.listed)


def test_a_text_that_is_longer_than_a_drain_is_asked_of_another() -> None:
    asked = Asked(2)
    asked.ask(20 * SECOND)
    asked.cluster.listed[0], asked.cluster.listed[1] = sorted(asked.cluster.listed, key=lambda each: -each.connections)
    asked.cluster.remove()
    asked.events.run()
    ((seconds, outcome),) = asked.ends
    assert outcome == "answered"
    assert seconds == pytest.approx(28, abs=0.1)


def test_an_added_replica_serves_when_it_has_started() -> None:
    asked = Asked(1)
    asked.cluster.add()
    asked.events.run(SHAPE.start - 0.1)
    assert len(asked.cluster.listed) == 1
    asked.events.run(SHAPE.start)
    assert len(asked.cluster.listed) == 2
