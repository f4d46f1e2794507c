"""The whole service on a Redis that Sentinel watches: its primary is killed under load, and with it what the queue had
not told its replica."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.client import Client
from tests.service.redis_server import WatchedRedis
from tests.system.failover import fail_over, is_well, loads
from tests.system.running import Service
from tests.texts import FOX
from tests.waiting import until

pytestmark = [pytest.mark.system, pytest.mark.faults]

KEY = "k" * 40


def test_a_failover_loses_no_job_and_no_text(tmp_path: Path, watched: WatchedRedis) -> None:
    (text := tmp_path / "fox.txt").write_text(FOX)
    service = Service(tmp_path / "data", tmp_path / "output", REDIS_URL=watched.url, ADMIN_API_KEYS=KEY)
    try:
        client = Client(f"http://127.0.0.1:{service.port}", KEY, retries=0)
        until(lambda: service.answers("/readyz") and is_well([client]))
        with loads([client]) as (load,):
            jobs, took = fail_over(watched, [client], client.upload(text)["id"])
        log = service.output.read_text()
        print(f"failover after {took:.2f} s, {load.count} texts")
        assert load.failures == []
        assert [log.count(f"job {job} begins") for job in jobs] == [1] * len(jobs), "each ran once"
        assert "secret" not in log
    finally:
        service.end()
