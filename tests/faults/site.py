"""One service whose processes are killed and stopped, and the service manager that starts it again."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from random import Random
from typing import Final

from service.client import Client
from tests.faults.processes import Process, descendants, listed, programs
from tests.ports import free_port
from tests.system.running import Service
from tests.waiting import until

ADMIN_KEY: Final = "admin-key"
WEB_PROCESSES: Final = 2
RESTART_SECONDS: Final = 0.5
"""After so long the service manager starts a service again that has ended."""


class Site:
    """A service with its data directory, on a port that it keeps.

    A thread does what a service manager would (systemd with Restart=always, a container's restart policy): it starts
    the service again when it has ended. `starts` counts how often, the first time included.
    """

    def __init__(self, folder: Path, **settings: str) -> None:
        self.data_dir, self.port, self.starts = folder / "data", free_port(), 0
        self.logs = folder / "logs"
        self.logs.mkdir()
        limits = {"WEB_WORKERS": str(WEB_PROCESSES), "ADMIN_API_KEYS": ADMIN_KEY, "LOG_LEVEL": "warning"}
        self.embedded = "REDIS_URL" not in settings
        self._settings = {"PORT": str(self.port), **limits, **settings}
        self._over = threading.Event()
        self._service = self._start()
        self._manager = threading.Thread(target=self._keep_running, name="service manager", daemon=True)
        self._manager.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def client(self, timeout: float = 100, retries: int = 0, wait: float = 0.25) -> Client:
        """A client with the admin's key, which by default repeats nothing."""
        return Client(self.url, ADMIN_KEY, timeout=timeout, retries=retries, wait=wait)

    def wait_until_ready(self) -> None:
        """Until it can generate, and nothing is degraded."""
        until(self._is_well)

    def _is_well(self) -> bool:
        """As one of its processes says; another may not be ready yet."""
        try:
            return self._service.answers("/readyz") and self._service.request("/readyz")["degraded"] == []
        except OSError:
            return False

    def pid(self, kind: str, random: Random | None = None) -> int:
        """The process id of the supervisor, the master of the web processes, the worker or the embedded Redis; of a web
        process, one that `random` chooses."""
        until(lambda: self.pids(kind) != [])
        return (random or Random(0)).choice(sorted(self.pids(kind)))

    def pids(self, kind: str) -> list[int]:
        """Those that there are at the moment."""
        if kind == "supervisor":
            return [self._service.process.pid] if self._service.process.poll() is None else []
        ours = descendants(self._service.process.pid)
        if kind == "web":
            masters = [each.pid for each in programs(ours, "web")]
            return [each.pid for each in ours if each.parent in masters]
        return [each.pid for each in programs(ours, "web" if kind == "master" else kind)]

    def counts(self) -> dict[str, int]:
        """How many processes of each kind belong to this data directory, whoever started them."""
        ours = [each for each in listed() if _belongs(each, self.data_dir)]
        found = {kind: len(programs(ours, kind)) for kind in ("web", "worker", "redis")}
        masters = [each.pid for each in programs(ours, "web")]
        return {
            **{"master" if kind == "web" else kind: count for kind, count in found.items()},
            "web": sum(each.parent in masters for each in ours),
        }

    def log_file(self) -> Path:
        """Where this start logs to."""
        return self.logs / f"{self.starts}.log"

    def end(self) -> int:
        """End it as an operator does; the exit status."""
        self._over.set()
        self._manager.join()
        return self._service.end()

    def _start(self) -> Service:
        self.starts += 1
        return Service(self.data_dir, self.log_file(), **self._settings)

    def _keep_running(self) -> None:
        while not self._over.wait(0.05):
            if self._service.process.poll() is not None:
                time.sleep(RESTART_SECONDS)
                self._service = self._start()


def _belongs(process: Process, data_dir: Path) -> bool:
    """By its environment, or its title, for which Redis uses the place of its environment."""
    try:
        environment = Path(f"/proc/{process.pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False
    return b"DATA_DIR=" + os.fsencode(data_dir) in environment or f"{data_dir}/" in process.command
