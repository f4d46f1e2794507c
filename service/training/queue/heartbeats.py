"""Which workers are alive, and what they tell of themselves: each renews a file beside the runs, visible to every web
process; knows no jobs."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from durable import files
from durable.entries import drop, is_file, is_folder, is_there, set_aside
from service.training.queue.figures import Figures, read, total

WORKERS: Final = ".workers"
ALIVE_SECONDS: Final = 15.0
FORGOTTEN_SECONDS: Final = 3600.0


class Heartbeat:
    """One worker's file under `root`, the directory of runs; its modification time is that of the last heartbeat, its
    content its `figures` then, if there are any."""

    def __init__(self, root: Path, figures: Callable[[], Figures] = Figures) -> None:
        self._root = root
        self._figures = figures
        self._written = Figures()
        self._path = root / WORKERS / secrets.token_hex(4)  # shown in the metrics, which name no host

    @property
    def name(self) -> str:
        """The worker's name, which says nothing of its host."""
        return self._path.name

    @property
    def figures(self) -> Figures:
        """What it tells now."""
        return self._figures()

    def begin(self) -> None:
        """Create the file, and remove those that killed workers left an hour ago. Raises OSError."""
        for name, moment in _modified(self._root).items():
            if time.time() - moment >= FORGOTTEN_SECONDS:
                with suppress(OSError):
                    drop(self._path.with_name(name))
        self.beat()

    def beat(self) -> None:
        """Renew the file's time. Raises OSError."""
        folder = self._path.parent
        for path, is_sound in ((folder, is_folder), (self._path, is_file)):
            if is_there(path) and not is_sound(path):
                set_aside(path)
        folder.mkdir(parents=True, exist_ok=True)
        self._path.touch()
        if (figures := self.figures) != self._written:
            with suppress(OSError):  # a full disk takes the file's time all the same
                files.put(self._path, figures.to_json(), sync=False)
                self._written = figures

    def end(self) -> None:
        """Remove the file: this worker has ended normally."""
        with suppress(OSError):
            self._path.unlink()


class WorkerRegistry:
    """The workers with heartbeats under `root`, the directory of runs."""

    def __init__(self, root: Path, clock: Callable[[], float] = time.time) -> None:
        self._root = root
        self._clock = clock

    def heartbeats(self) -> dict[str, float]:
        """The time of each worker's last heartbeat, in seconds since 1970; a killed worker is listed for an hour."""
        now = self._clock()
        found = {name: moment for name, moment in _modified(self._root).items() if not name.startswith(".")}  # drafts
        return {name: moment for name, moment in found.items() if now - moment < FORGOTTEN_SECONDS}

    def figures(self) -> Figures:
        """Those of all workers together, killed ones included."""
        return total(map(self.figures_of, self.heartbeats()))

    def figures_of(self, worker: str) -> Figures:
        """Those of this worker, if it is one of this machine."""
        try:
            return read(files.read(self._root / WORKERS / worker))
        except OSError:
            return Figures()

    def any_alive(self) -> bool:
        """Whether any worker's last heartbeat is less than ALIVE_SECONDS from now."""
        # In either direction: if the clock was set back, a dead worker must not seem alive.
        return any(abs(self._clock() - moment) < ALIVE_SECONDS for moment in self.heartbeats().values())


def _modified(root: Path) -> dict[str, float]:
    """The names of the workers' files with their modification times."""
    moments = {}
    with suppress(OSError):
        for path in (root / WORKERS).iterdir():
            if is_file(path):
                with suppress(FileNotFoundError):
                    moments[path.name] = path.lstat().st_mtime
    return moments
