"""The primary of the Redis that several machines share is killed under load: no text fails, and each job runs once."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from service.client import ServiceError
from tests.object_server import ObjectServer
from tests.scale.figures import shown
from tests.scale.machines import Cluster, WebMachine
from tests.service.redis_server import WatchedRedis
from tests.system.running import free_port
from tests.texts import FOX
from tests.waiting import until

pytestmark = [pytest.mark.system, pytest.mark.scale]

SMALL = {"hidden_size": 8, "layers": 1, "batch_size": 2, "segment_length": 8, "seed": 1}


class Load:
    """Texts that a machine is asked for without a pause; what failed, and how many came."""

    def __init__(self, machine: WebMachine) -> None:
        self.failures: list[str] = []
        self.count = 0
        self._client = machine.client
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._over.set()
        self._thread.join(60)

    def _ask(self) -> None:
        while not self._over.wait(0.05):
            try:
                self._client.generate("ROMEO:", 20, seed=self.count % 7)
            except ServiceError as error:
                self.failures.append(f"{error.status} {error.code} {error}")
            self.count += 1


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[WatchedRedis]:
    servers = WatchedRedis(tmp_path, [free_port() for _ in range(3)], "secret")
    yield servers
    servers.end()


def test_a_failover_loses_no_job_and_no_text(
    object_server: ObjectServer, tmp_path: Path, watched: WatchedRedis
) -> None:
    made = Cluster(tmp_path, object_server, watched.url)
    text = tmp_path / "fox.txt"
    text.write_text(FOX)
    with ExitStack() as stack:
        webs = [stack.enter_context(made.web(f"web-{at}", CACHE_URL=watched.url)) for at in range(2)]
        workers = stack.enter_context(made.workers("worker-0", "worker-1"))
        loads = [Load(web) for web in webs]
        until(lambda: all(web.client.ready()["degraded"] == [] for web in webs))
        corpus = webs[0].client.upload(text)["id"]

        def submit(number: int, steps: int = 20) -> str:
            client = webs[number % 2].client
            return str(client.train(corpus, f"fox{number}", budget={"steps": steps}, **SMALL)["id"])

        jobs = [submit(0, steps=1000), submit(1)]
        until(lambda: webs[1].client.job(jobs[0])["status"] == "running")
        watched.replica.process.send_signal(signal.SIGSTOP)  # it will never hear of the next two
        jobs += [submit(2), submit(3)]
        watched.primary.kill()
        watched.replica.process.send_signal(signal.SIGCONT)
        killed = time.monotonic()
        jobs += [submit(4)]
        until(lambda: all(web.client.ready()["degraded"] == [] for web in webs))
        took = time.monotonic() - killed
        jobs += [submit(5)]
        until(lambda: all(webs[0].client.job(job)["status"] == "succeeded" for job in jobs), 180)
        for load in loads:
            load.end()
        logs = "".join(worker.text() for worker in workers)
        assert watched.primary_port() == watched.replica.port
        assert [load.failures for load in loads] == [[], []]
        assert [logs.count(f"job {job} begins") for job in jobs] == [1] * len(jobs), "each ran once"
        assert [len(webs[1].client.model(f"fox{number}")["versions"]) for number in range(6)] == [1] * 6
        assert "secret" not in logs
    rows = [(f"{took:.1f} s", sum(load.count for load in loads), "0", len(jobs))]
    shown(
        "failover", ("until nothing is degraded on both web machines", "texts", "failed", "jobs, each run once"), rows
    )
