"""Formulas beside what was measured of the whole service: how far they may be trusted."""

from __future__ import annotations

from statistics import median

import pytest

from benchmarks.capacity.checking import compared, error, networks, queues
from benchmarks.capacity.measuring import MODELS, NETWORKS, Results

RESULTS = Results.read()


def test_requests_a_second_of_the_real_service() -> None:
    found = compared(RESULTS)
    wrong = [abs(error(each.formula, each.found.rate)) for each in found]
    assert {each.found.processes for each in found} == {1, 2}
    assert median(wrong) < 0.2
    assert max(wrong) < 0.4


def test_the_simulation_of_the_real_service() -> None:
    asked = next(each for each in compared(RESULTS) if (each.found.processes, each.found.length) == (2, 400))
    rate, p50 = asked.simulated()
    assert rate == pytest.approx(asked.found.rate, rel=0.1)
    assert p50 == pytest.approx(asked.found.p50, rel=0.1)


def test_the_networks_are_those_that_were_measured() -> None:
    for model, checkpoint in MODELS.items():
        config, real = NETWORKS[model], checkpoint().config
        assert (config.cell, config.layers, config.hidden_size) == (real.cell, real.layers, real.hidden_size)


def test_tables() -> None:
    assert [row[1] for row in networks()] == ["networks", "12", "12", "12"]
    head, *others = queues(200)
    assert all(len(row) == len(head) for row in others)
