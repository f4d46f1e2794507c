"""Machines of one cluster: groups of processes, each with a data directory of its own, that share nothing but a real S3
server and a Redis."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from durable.s3_objects import S3Objects
from service.client import Client
from tests.faults.slow_proxy import SlowProxy
from tests.object_server import BUCKET, ObjectServer
from tests.ports import free_port
from tests.service.redis_server import RedisProcess
from tests.system.running import ROOT
from tests.system.web import Web
from tests.waiting import LONGEST, until

KEY = "k" * 40
START_SECONDS = 240.0
"""For a machine to start, beside a load and others that start, on cores that have much else to do."""


class Cluster:
    """What the machines share, and their folders."""

    def __init__(self, folder: Path, server: ObjectServer, redis_url: str) -> None:
        self.folder, self.redis_url, self.server = folder, redis_url, server
        self.store = server.url()

    def settings(self, endpoint: str | None = None, redis_url: str | None = None) -> dict[str, str]:
        return {
            "STORE_URL": self.store,
            "REDIS_URL": redis_url or self.redis_url,
            "ADMIN_API_KEYS": KEY,
            "CONTINUATION_KEYS": KEY,
            **self.server.environment(endpoint=endpoint),
        }

    @property
    def objects(self) -> S3Objects:
        """What is in the store."""
        return S3Objects(BUCKET, self.store.rpartition("/")[2], self.server.settings())

    @contextmanager
    def web(self, name: str, endpoint: str | None = None, **settings: str) -> Iterator[WebMachine]:
        """A machine that serves, once it is ready."""
        machine = WebMachine(self.folder / name, **(self.settings(endpoint) | settings))
        with machine.serving():
            yield machine

    @contextmanager
    def workers(self, *names: str, links: Sequence[Links] = ()) -> Iterator[list[WorkerMachine]]:
        """Machines that train, once all wait for jobs; each with links of its own, if there are any."""
        settings = [self.settings(each.endpoint, each.redis_url) for each in links] or [self.settings()] * len(names)
        machines = [WorkerMachine(self.folder / name, its) for name, its in zip(names, settings, strict=True)]
        try:
            for each in machines:
                each.wait_until_ready()
            yield machines
        finally:
            for each in machines:
                each.kill()


class Links:
    """One machine's connections to the store and to Redis, through proxies of its own."""

    def __init__(self, made: Cluster) -> None:
        self.store = SlowProxy(made.server.port)
        self.redis = SlowProxy(urlsplit(made.redis_url).port or 0)
        self.endpoint, self.redis_url = (f"{way}://127.0.0.1:{port}" for way, port in self._ways())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.mend()
        for proxy in (self.store, self.redis):
            proxy.end()

    def cut(self) -> None:
        """Nothing passes from now on, and nobody is told."""
        for proxy in (self.store, self.redis):
            proxy.cut()

    def mend(self) -> None:
        """What was sent meanwhile arrives now."""
        for proxy in (self.store, self.redis):
            proxy.mend()

    def _ways(self) -> tuple[tuple[str, int], ...]:
        return ("http", self.store.port), ("redis", self.redis.port)


class WebMachine(Web):
    """One with web processes."""

    @property
    def client(self) -> Client:
        return Client(f"http://127.0.0.1:{self.port}", KEY, retries=0)

    def wait_until_ready(self) -> None:
        until(self.ready, START_SECONDS)

    def answers(self, path: str) -> bool:
        """Whether it finds what is asked for."""
        try:
            return bool(self.get(path))
        except OSError:
            return False


class WorkerMachine:
    """One with a worker."""

    def __init__(self, data_dir: Path, settings: dict[str, str]) -> None:
        self.log = data_dir.with_suffix(".log")
        environment = os.environ | settings | {"DATA_DIR": str(data_dir), "LOG_FORMAT": "json"}
        with self.log.open("wb") as log:
            command = [sys.executable, "-m", "service.processes.worker"]
            self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log, process_group=0)

    def wait_until_ready(self) -> None:
        until(lambda: "takes jobs" in self.text(), START_SECONDS)

    def text(self) -> str:
        """Its log."""
        assert self.process.poll() is None, self.log.read_text()
        return self.log.read_text()

    def end(self) -> None:
        """As it is ended before an upgrade."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(LONGEST) == 0

    def kill(self) -> None:
        """As a machine that loses its power."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@contextmanager
def cluster(folder: Path, server: ObjectServer) -> Iterator[Cluster]:
    """A new cluster, with a Redis."""
    with RedisProcess(folder, free_port()) as redis:
        yield Cluster(folder, server, redis.url)
