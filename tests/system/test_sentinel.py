"""The whole service on a Redis that Sentinel watches: its primary is killed under load, and with it what the queue had
not told its replica."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.training.corpora.store import CorpusStore
from tests.service.redis_server import WatchedRedis
from tests.system.running import Service, free_port
from tests.texts import FOX
from tests.waiting import until

pytestmark = [pytest.mark.system, pytest.mark.faults]

KEY = "k" * 40
SIZES = {"hidden_size": 8, "batch_size": 2, "segment_length": 8}


class Load:
    """Texts that are asked for without a pause; what failed, and how many came."""

    def __init__(self, service: Service) -> None:
        self.failures: list[str] = []
        self.count = 0
        self._service = service
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._ended.set()
        self._thread.join(60)

    def _ask(self) -> None:
        while not self._ended.is_set():
            try:
                text = self._service.request("/generate", {"prompt": "ROMEO:", "length": 20, "seed": self.count % 7})
                assert len(text["text"]) == 20
            except (OSError, AssertionError) as error:
                self.failures.append(repr(error))
            self.count += 1
            self._ended.wait(0.05)


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[WatchedRedis]:
    servers = WatchedRedis(tmp_path, [free_port() for _ in range(3)], "secret")
    yield servers
    servers.end()


def test_a_failover_loses_no_job_and_no_text(tmp_path: Path, watched: WatchedRedis) -> None:
    service = Service(tmp_path / "data", tmp_path / "output", REDIS_URL=watched.url, ADMIN_API_KEYS=KEY)
    try:
        until(lambda: service.answers("/readyz") and service.request("/readyz")["degraded"] == [])
        load = Load(service)
        corpus = CorpusStore(service.data_dir / "corpora", 1 << 20).add([FOX.encode()], "fox")[0].id

        def submit(number: int, steps: int = 20) -> str:
            body = {"corpus": corpus, "model": f"fox{number}", **SIZES, "budget": {"steps": steps}}
            return str(service.request("/jobs", body, KEY)["id"])

        def status(job: str) -> Any:
            return service.request(f"/jobs/{job}", key=KEY)["status"]

        jobs = [submit(0, steps=2000), submit(1)]
        until(lambda: status(jobs[0]) == "running")
        watched.replica.process.send_signal(signal.SIGSTOP)  # it will never hear of the next two
        jobs += [submit(2), submit(3)]
        watched.primary.kill()
        watched.replica.process.send_signal(signal.SIGCONT)
        killed = time.monotonic()
        jobs += [submit(4)]
        until(lambda: service.request("/readyz")["degraded"] == [])
        took = time.monotonic() - killed
        jobs += [submit(5)]
        until(lambda: all(status(job) == "succeeded" for job in jobs), 120)
        load.end()
        log = service.output.read_text()
        print(f"failover after {took:.2f} s, {load.count} texts")
        assert watched.primary_port() == watched.replica.port
        assert load.failures == []
        assert [log.count(f"job {job} begins") for job in jobs] == [1] * len(jobs), "each ran once"
        assert "secret" not in log
    finally:
        service.end()
