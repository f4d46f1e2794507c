"""Workers of machines that share nothing but a Redis, which comes and goes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.training.queue.figures import Figures
from service.training.queue.heartbeats import ALIVE_SECONDS, FORGOTTEN_SECONDS
from service.training.queue.shared_heartbeats import SharedHeartbeat, SharedWorkerRegistry
from tests.ports import free_port
from tests.service.redis_server import RedisProcess


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisProcess]:
    with RedisProcess(tmp_path_factory.mktemp("redis"), free_port()) as server:
        yield server


def test_a_worker_of_another_machine_is_seen_while_it_lives(server: RedisProcess, tmp_path: Path) -> None:
    elapsed, lost = 0.0, 0
    workers = SharedWorkerRegistry(
        tmp_path / "web", server.url, lambda: 1000 + elapsed, lambda: time.monotonic() + elapsed
    )
    assert not workers.any_alive()
    worker = SharedHeartbeat(tmp_path / "worker", server.url, lambda: Figures(lost), lambda: time.monotonic() + elapsed)
    worker.begin()
    elapsed += 5
    assert workers.any_alive()
    assert workers.heartbeats() == {worker.name: pytest.approx(1000, abs=10)}, "by the web machine's clock"
    lost = 3
    worker.beat()
    elapsed += 5
    assert workers.figures().lost_lines == 3
    worker.end()
    elapsed += 5
    assert (workers.heartbeats(), workers.figures().lost_lines) == ({}, 0)


def test_without_redis_each_machine_knows_its_own_workers(server: RedisProcess, tmp_path: Path) -> None:
    elapsed = 0.0
    workers = SharedWorkerRegistry(tmp_path, server.url, time.time, lambda: time.monotonic() + elapsed)
    other = SharedHeartbeat(tmp_path / "elsewhere", server.url)
    other.begin()
    assert list(workers.heartbeats()) == [other.name]
    server.kill()
    try:
        own = SharedHeartbeat(tmp_path, server.url)
        own.begin()
        elapsed += 2
        assert set(workers.heartbeats()) == {own.name, other.name}
        own.end()
        assert workers.any_alive(), "Redis had heard of the other one just now"
        elapsed += ALIVE_SECONDS
        assert not workers.any_alive()
        elapsed += FORGOTTEN_SECONDS
        assert workers.heartbeats() == {}
    finally:
        server.start()
