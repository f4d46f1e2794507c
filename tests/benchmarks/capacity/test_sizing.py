"""Sizes beside those of real files and states, and numbers that follow by hand."""

from __future__ import annotations

import pytest

from benchmarks.capacity.queueing import mmc_wait
from benchmarks.capacity.sizing import (
    Process,
    StoreUse,
    checkpoint_bytes,
    packed_bytes,
    processes_needed,
    state_bytes,
    workers_needed,
)
from benchmarks.capacity.steps import StepTime
from benchmarks.networks import network
from charrnn.config import Cell, ModelConfig
from charrnn.engine.cpu.packing import pack

PROCESS = Process(StepTime(single=4e-6, row=1e-6), request=1e-4)


@pytest.mark.parametrize(("cell", "size", "layers"), [("lstm", 256, 1), ("gru", 128, 2), ("rnn", 512, 1)])
def test_bytes_of_a_network(cell: Cell, size: int, layers: int) -> None:
    checkpoint = network(cell, size, layers)
    assert packed_bytes(checkpoint.config) == pytest.approx(pack(checkpoint).buffer.size, rel=0.02)
    assert checkpoint_bytes(checkpoint.config) == pytest.approx(len(checkpoint.to_bytes()), rel=0.01)


def test_bytes_of_a_state() -> None:
    assert state_bytes(ModelConfig(96, "lstm", 512, 3)) == 3 * 2 * 512 * 4
    assert state_bytes(ModelConfig(96, "gru", 512, 1)) == 512 * 4


def test_requests_a_second() -> None:
    assert PROCESS.together(100, 1) == pytest.approx(1 / (1e-4 + 100 * 4e-6))
    assert PROCESS.together(100, 8) == pytest.approx(1 / (1e-4 + 100 * 1e-6))
    assert PROCESS.capacity(100) == PROCESS.together(100, 500) == pytest.approx(5000)
    assert processes_needed(PROCESS, 10_000, 100, 0.7) == 3  # of 3,500 each


def test_latency() -> None:
    alone, half = PROCESS.seconds(1, 100), PROCESS.seconds(2500, 100)
    assert alone == pytest.approx(5e-4, rel=0.01)
    assert 1e-3 < half < 3e-3
    queue = PROCESS.queue(10_000, 100)
    assert queue.refused == pytest.approx(0.5)
    assert queue.seconds == pytest.approx(192 / 5000, rel=0.01)  # all places are taken all the time


def test_workers() -> None:
    assert workers_needed(12, 5, longest_wait=5) == 2  # one worker would be busy all the time
    found = workers_needed(100, 5, longest_wait=1)
    assert mmc_wait(found, 100 / 60, 5, 0) <= 1 < mmc_wait(found - 1, 100 / 60, 5, 0)


def test_requests_to_the_store() -> None:
    idle = StoreUse(machines=10, intervals=(9, 6, 15, 8))
    assert (idle.lists_an_hour, idle.puts_an_hour, idle.gets_an_hour) == (16_900, 0, 0)
    assert StoreUse(machines=10, intervals=(3,), keys=1001).lists_an_hour == 24_000
    busy = StoreUse(machines=2, jobs_an_hour=6, minutes=5, writes=10, looks=3, publications_an_hour=6, objects=4)
    assert busy.puts_an_hour == 6 * 5 * 10 + 6 * 4
    assert busy.gets_an_hour == 2 * (6 * 5 * 3 + 6 * 4)
    assert idle.cost(0.005, 0.0004) == pytest.approx(730 * 16.9 * 0.005)


def test_an_idle_cluster_of_ten_asks_for_fewer_than_20_000_lists_an_hour() -> None:
    assert StoreUse(machines=10).lists_an_hour < 20_000
