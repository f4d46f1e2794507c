"""The roofline model beside what was measured, and hand-made numbers."""

from __future__ import annotations

from statistics import median

import pytest

from benchmarks.capacity.steps import Core, StepTime, in_proportion, measured, products, values
from charrnn.config import ModelConfig

STARTER = ModelConfig(96, "lstm", 256, 1)


def test_a_small_batch_takes_as_long_as_a_single_sequence() -> None:
    step = StepTime(single=4e-6, row=1e-6)
    assert [step.seconds(batch) for batch in (1, 3, 8)] == [4e-6, 4e-6, 8e-6]
    assert [round(step.rate(batch)) for batch in (1, 8, 64)] == [250_000, 1_000_000, 1_000_000]


def test_what_a_step_computes() -> None:
    assert products(STARTER) == 4 * 256 * 256 + 256 * 96
    assert products(ModelConfig(96, "gru", 512, 2)) == 3 * 3 * 512 * 512 + 512 * 96
    assert values(STARTER) == 4 * 256 + 96


def test_a_step_takes_what_products_bytes_and_values_take() -> None:
    core = Core(products=1e12, bandwidths=((1e5, 200e9), (1e6, 100e9)), value=1e-10, single_value=1e-9)
    step = core.step_time(STARTER)
    assert step.row == pytest.approx(2 * 286_720 / 1e12 + 1120e-10)
    assert step.single == pytest.approx(286_720 / core.bandwidth(286_720) + 1120e-9)
    assert core.bandwidth(10**5.5) == pytest.approx(150e9)
    assert (core.bandwidth(1), core.bandwidth(1e9)) == (200e9, 100e9)


def test_it_is_near_to_what_was_measured() -> None:
    core, rows = measured()
    wrong = [abs(core.step_time(row.config).rate(row.batch) / row.rate - 1) for row in rows]
    assert len(wrong) == 36
    assert median(wrong) < 0.05
    assert max(wrong) < 0.3


def test_another_network_is_as_much_slower_as_the_nearest_one() -> None:
    core, _ = measured()
    small, large = core.step_time(STARTER), core.step_time(ModelConfig(96, "lstm", 512, 2))
    known = {STARTER: StepTime(2 * small.single, 3 * small.row), ModelConfig(96, "lstm", 512, 2): large}
    gru = ModelConfig(96, "gru", 256, 1)
    found, there = in_proportion(gru, known, core), core.step_time(gru)
    assert (found.single, found.row) == pytest.approx((2 * there.single, 3 * there.row))
    assert in_proportion(ModelConfig(96, "lstm", 512, 2), known, core) == large
