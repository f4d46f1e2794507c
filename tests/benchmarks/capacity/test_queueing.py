"""The formulas, at values that are in tables or follow by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.capacity.queueing import (
    SharedQueue,
    erlang_b,
    erlang_c,
    md1_seconds,
    mm1_seconds,
    mm1k_refused,
    mmc_wait,
)


def test_a_single_server() -> None:
    assert mm1_seconds(8, 10) == pytest.approx(0.5)
    assert md1_seconds(8, 10) == pytest.approx(0.3)  # waits half as long: 0.2 for 0.4
    assert mm1k_refused(5, 10, 1) == pytest.approx(1 / 3)  # 0.5 / (1 + 0.5)
    assert mm1k_refused(10, 10, 4) == pytest.approx(1 / 5)  # all numbers of customers are equally likely


@pytest.mark.parametrize(
    ("servers", "offered", "lost"),
    [(1, 1, 0.5), (5, 3, 0.11005), (10, 5, 0.01838), (100, 84.064, 0.01)],  # Erlang's tables
)
def test_erlang_b(servers: int, offered: float, lost: float) -> None:
    assert erlang_b(servers, offered) == pytest.approx(lost, rel=1e-3)


def test_several_servers() -> None:
    assert erlang_c(2, 1) == pytest.approx(1 / 3)
    assert mmc_wait(1, 8, 0.1) == pytest.approx(mm1_seconds(8, 10) - 0.1)
    assert mmc_wait(1, 8, 0.1, variation=0) == pytest.approx(md1_seconds(8, 10) - 0.1)
    assert mmc_wait(2, 1, 1) == pytest.approx(1 / 3)


@pytest.mark.parametrize("load", [10, 11, -1])
def test_a_queue_that_grows_for_ever_is_an_error(load: float) -> None:
    with pytest.raises(ValueError, match=f"below 10, not {load}"):
        mm1_seconds(load, 10)


@given(st.floats(0.01, 0.95), st.integers(1, 20))
def test_a_shared_queue_with_one_rate_is_m_m_1_k(load: float, places: int) -> None:
    queue = SharedQueue(10 * load, lambda there: 10, places)
    assert queue.refused == pytest.approx(mm1k_refused(10 * load, 10, places), abs=1e-12)
    assert sum(queue.shares()) == pytest.approx(1)


@given(st.floats(0.1, 50), st.integers(1, 40))
def test_a_shared_queue_without_contention_is_erlang_b(offered: float, places: int) -> None:
    queue = SharedQueue(offered, lambda there: there, places)
    assert queue.refused == pytest.approx(erlang_b(places, offered), abs=1e-12)
    assert queue.seconds == pytest.approx(1)


def test_a_shared_queue_with_many_places_is_processor_sharing() -> None:
    assert SharedQueue(8, lambda there: 10, 10_000).seconds == pytest.approx(mm1_seconds(8, 10))
    assert SharedQueue(20, lambda there: 10, 10_000).refused == pytest.approx(0.5)
