"""Nobody reads what the service logs, or whoever did is gone."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any, Final

from tests.faults.fault import Fault
from tests.faults.site import Site

SECONDS: Final = (10.0, 30.0)
PIECE: Final = 1 << 16
LOOK_SECONDS: Final = 0.05


class LogReader:
    """Reads a named pipe in a thread, until it is told to leave it alone."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self._path = path
        self._over, self.reads = threading.Event(), True
        self._descriptor = self._opened()
        threading.Thread(target=self._run, daemon=True).start()

    def leave(self) -> None:
        """Close the pipe: whoever writes gets an error."""
        self.reads = False
        os.close(self._descriptor)

    def return_(self) -> None:
        """Open it again."""
        self._descriptor, self.reads = self._opened(), True

    def end(self) -> None:
        """Read no more."""
        self._over.set()

    def _opened(self) -> int:
        return os.open(self._path, os.O_RDONLY | os.O_NONBLOCK)

    def _run(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            with suppress(BlockingIOError, OSError):
                while self.reads and os.read(self._descriptor, PIECE):
                    pass


class PipedSite(Site):
    """A service that logs every request into a pipe."""

    def __init__(self, folder: Path) -> None:
        self._readers: list[LogReader] = []
        super().__init__(folder, LOG_LEVEL="info")

    @property
    def reader(self) -> LogReader:
        """Whoever reads the log."""
        return self._readers[-1]

    def log_file(self) -> Path:
        """A new pipe for each start."""
        path = super().log_file()
        self._readers.append(LogReader(path))
        return path

    def end(self) -> int:
        """The readers, too."""
        status = super().end()
        for each in self._readers:
            each.end()
        return status


@contextmanager
def _unread(site: PipedSite, random: Random) -> Iterator[None]:
    site.reader.reads = False
    yield
    site.reader.reads = True


@contextmanager
def _closed(site: PipedSite, random: Random) -> Iterator[None]:
    site.reader.leave()
    yield
    site.reader.return_()


def of_log() -> list[Fault[Any]]:
    """Each, of each length."""
    kinds = {"nobody reads the log": _unread, "the log's reader is gone": _closed}
    return [
        Fault(f"{name} for {seconds:g} s", "log", inflict, seconds)
        for name, inflict in kinds.items()
        for seconds in SECONDS
    ]
