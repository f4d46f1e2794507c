"""The primary of the Redis that several machines share is killed under load: no text fails, and each job runs once."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from service.client import Client
from tests.object_server import ObjectServer
from tests.scale.figures import shown
from tests.scale.machines import Cluster
from tests.service.redis_server import WatchedRedis
from tests.system.failover import fail_over, is_well, loads
from tests.texts import FOX
from tests.waiting import until

pytestmark = [pytest.mark.system, pytest.mark.scale]


def test_a_failover_loses_no_job_and_no_text(
    object_server: ObjectServer, tmp_path: Path, watched: WatchedRedis
) -> None:
    made = Cluster(tmp_path, object_server, watched.url)
    (text := tmp_path / "fox.txt").write_text(FOX)
    with ExitStack() as stack:
        clients = [stack.enter_context(made.web(f"web-{at}", CACHE_URL=watched.url)).client for at in range(2)]
        workers = stack.enter_context(made.workers("worker-0", "worker-1"))
        until(lambda: is_well(clients))
        with loads(clients) as begun:
            jobs, took = fail_over(watched, clients, clients[0].upload(text)["id"])
        logs = "".join(worker.text() for worker in workers)
        assert [load.failures for load in begun] == [[], []]
        assert [logs.count(f"job {job} begins") for job in jobs] == [1] * len(jobs), "each ran once"
        until(lambda: "fox5" in versions(clients[1]))  # published last; each machine hears of it by itself
        assert versions(clients[1]) == {f"fox{number}": [1] for number in range(6)}
        assert "secret" not in logs
    rows = [(f"{took:.1f} s", sum(load.count for load in begun), "0", len(jobs))]
    shown(
        "failover", ("until nothing is degraded on both web machines", "texts", "failed", "jobs, each run once"), rows
    )


def versions(client: Client) -> dict[str, list[int]]:
    """Those of each model that jobs have trained."""
    return {model["name"]: model["versions"] for model in client.models() if model["name"].startswith("fox")}
