"""Many replicas: what the tables are made of."""

from __future__ import annotations

import pytest

from benchmarks.capacity.sizing import Process
from benchmarks.capacity.steps import StepTime
from benchmarks.simulation.cluster import Cluster, Shape
from benchmarks.simulation.load import Lengths
from benchmarks.simulation.scenarios import Scenario, closed

PROCESS = Process(StepTime(30e-6, 7e-6), request=5e-4)
TEN = Scenario(Shape(PROCESS), 10, 0.6, Lengths(500, "exponential"), seconds=2)


def test_a_steady_load() -> None:
    figures = TEN.steady()
    assert figures.requests == pytest.approx(0.9 * 2 * TEN.arrivals, rel=0.05)
    assert (figures.refused, figures.failed) == (0, 0)
    assert figures.first_p99 < figures.p50 < figures.p99 < figures.longest


def test_more_than_the_capacity_is_refused() -> None:
    scenario = Scenario(Shape(PROCESS), 2, 1.5, Lengths(500), seconds=5)
    assert scenario.steady().refused == pytest.approx(1 / 3, abs=0.05)


def test_a_failure_costs_no_answer() -> None:
    figures = TEN.after(Cluster.fail)
    assert (figures.refused, figures.failed) == (0, 0)


@pytest.mark.parametrize(("cores", "clients"), [(1, 1), (1, 16), (2, 16)])
def test_clients_that_ask_again(cores: int, clients: int) -> None:
    rate, figures = closed(PROCESS, cores, clients, 200, seconds=2)
    assert rate == pytest.approx(cores * PROCESS.together(200, clients // cores), rel=0.05)
    assert figures.p50 == pytest.approx(clients / rate, rel=0.1)  # Little's law
