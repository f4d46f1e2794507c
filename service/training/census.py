"""How many jobs of each status there are and which workers are alive, as the directory of runs shows it."""

from __future__ import annotations

import os
import socket
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from service.training.job_files import read_status
from service.training.jobs import JobStore

WORKERS: Final = ".workers"
ALIVE_SECONDS: Final = 15.0
FORGOTTEN_SECONDS: Final = 3600.0


class Heartbeat:
    """A worker's sign of life: a file beside the runs, which every web process sees, and whose time is renewed."""

    def __init__(self, root: Path) -> None:
        self._path = root / WORKERS / f"{socket.gethostname()}-{os.getpid()}"

    def begin(self) -> None:
        """Say that this worker is alive, and clear away what workers left that were killed. Raises OSError."""
        for name, moment in _heard(self._path.parents[1]).items():
            if time.time() - moment >= FORGOTTEN_SECONDS:
                self._path.with_name(name).unlink(missing_ok=True)
        self.beat()

    def beat(self) -> None:
        """Say that this worker is alive. Raises OSError."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.touch()

    def end(self) -> None:
        """Say that this worker has ended as it should."""
        with suppress(OSError):
            self._path.unlink()


class Census:
    """Looks at what other processes keep in `root`; what has ended is read once."""

    def __init__(self, root: Path, clock: Callable[[], float] = time.time) -> None:
        self._root = root
        self._jobs = JobStore(root)
        self._clock = clock
        self._ended: dict[str, str] = {}

    def jobs_by_status(self) -> Counter[str]:
        """How many jobs there are of each status."""
        return Counter(self._status(job) for job in self._jobs.ids())

    def heartbeats(self) -> dict[str, float]:
        """When each worker was last heard of, in seconds since 1970; one that was killed is listed for an hour."""
        return {name: moment for name, moment in _heard(self._root).items() if not self._forgotten(moment)}

    def worker_is_alive(self) -> bool:
        """Whether any worker was heard of just now."""
        return any(self._clock() - moment < ALIVE_SECONDS for moment in self.heartbeats().values())

    def _forgotten(self, moment: float) -> bool:
        return self._clock() - moment >= FORGOTTEN_SECONDS

    def _status(self, job: str) -> str:
        if job in self._ended:
            return self._ended[job]
        state = read_status(self._root / job)
        if state.is_final:
            self._ended[job] = state.status
        return state.status


def _heard(root: Path) -> dict[str, float]:
    heard = {}
    with suppress(FileNotFoundError):
        for path in (root / WORKERS).iterdir():
            with suppress(FileNotFoundError):
                heard[path.name] = path.stat().st_mtime
    return heard
