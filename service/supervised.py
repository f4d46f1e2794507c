"""What the supervisor knows of the processes and the others cannot see, in one small file; knows no supervisor."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter
from typing_extensions import TypedDict

from durable import files
from durable.clock import iso
from durable.reading import DamagedFileError, read_json


class FailedStarts(TypedDict):
    """How often in a row a process has not stayed up, since when, and when it is started again (UTC)."""

    count: int
    since: str
    again: str


class Report(TypedDict):
    """The processes that do not stay up, by name, and how many lines of the log the supervisor could not write."""

    failing: dict[str, FailedStarts]
    lost_lines: int


SHAPE: Final = TypeAdapter(Report)


class Supervised:
    """The supervisor's side: writes the file whenever something has changed, if the disk takes it."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock
        self._report: Report = {"failing": {}, "lost_lines": 0}

    def put(self) -> None:
        """Write the file; a full disk is no reason to fail."""
        with suppress(OSError):
            files.put(self._path, SHAPE.dump_json(self._report), sync=False)

    def end(self) -> None:
        """Remove the file: there is no supervisor any more."""
        with suppress(OSError):
            self._path.unlink()

    def failed(self, name: str, seconds: float) -> None:
        """A start of the process has failed; it is started again in so many seconds."""
        now, failing = self._clock(), self._report["failing"]
        before = failing.get(name, FailedStarts(count=0, since=iso(now), again=""))
        failing[name] = {"count": before["count"] + 1, "since": before["since"], "again": iso(now + seconds)}
        self.put()

    def started(self, name: str) -> None:
        """The process stays up."""
        if self._report["failing"].pop(name, None) is not None:
            self.put()

    def lost(self, lines: int) -> None:
        """So many lines of the log have been lost so far."""
        if lines != self._report["lost_lines"]:
            self._report["lost_lines"] = lines
            self.put()


class SupervisorReport:
    """The other processes' side. A missing or damaged file says nothing."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def problems(self) -> Iterator[str]:
        """A sentence for each process that has not stayed up twice in a row."""
        for name, starts in self._read()["failing"].items():
            if (count := starts["count"]) > 1:
                times = f"{count} times since {starts['since']}"
                yield f"{name}: it has not stayed up {times}, next start {starts['again']}"

    def lost_lines(self) -> int:
        """How many lines of the log the supervisor could not write."""
        return self._read()["lost_lines"]

    def _read(self) -> Report:
        try:
            return read_json(self._path, SHAPE)
        except (OSError, DamagedFileError):
            return {"failing": {}, "lost_lines": 0}
