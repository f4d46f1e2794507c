"""What those who keep processes running, the supervisor and gunicorn's master, know of them and the others cannot see,
in one small file each, and when a process is started again; knows neither."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter
from typing_extensions import TypedDict

from durable import files
from durable.clock import iso
from durable.reading import DamagedFileError, read_json

SETTLED_SECONDS: Final = 10
"""A process that lives this long has started; dying earlier is a failed start, repeated with a growing delay."""

LONGEST_DELAY: Final = 60
"""The longest time before another start, in seconds."""

LATE_SECONDS: Final = 2
"""A process may be started so much later than it should be."""

OFTEN: Final = 5
"""A process that has ended so often in RECENT_SECONDS is named, however long it lives each time, until it has lived for
STEADY_SECONDS."""

TOGETHER_SECONDS: Final = 0.5
"""Processes of a kind that end within this time of the first have ended together."""

RECENT_SECONDS: Final = 600
STEADY_SECONDS: Final = 30
MOST_KEPT: Final = 500


class Ends(TypedDict):
    """How often in a row a process has not stayed up, since when, and when it is started again (UTC, and `due`, a
    time.monotonic of this machine); the last times at which it has ended (time.monotonic)."""

    in_a_row: int
    since: str
    again: str
    due: float
    times: list[float]


class Report(TypedDict):
    """The process ids, by name, of those that run; those that have ended unexpectedly, and how many lines of the log
    could not be written."""

    processes: dict[str, int]
    ended: dict[str, Ends]
    lost_lines: int


SUPERVISOR: Final = "supervisor"
"""Its own name among the processes."""
SHAPE: Final = TypeAdapter(Report)


class Supervised:
    """The side of who keeps processes running: writes the file whenever something has changed, if the disk takes it."""

    def __init__(
        self,
        path: Path,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path, self._clock, self._monotonic = path, clock, monotonic
        self._report: Report = {"processes": {}, "ended": {}, "lost_lines": 0}

    def put(self) -> None:
        """Write the file; a full disk is no reason to fail."""
        with suppress(OSError):
            files.put(self._path, SHAPE.dump_json(self._report), sync=False)

    def end(self) -> None:
        """Remove the file: the processes are kept running no longer."""
        with suppress(OSError):
            self._path.unlink()

    def ended(self, name: str, *, has_siblings: bool = False) -> int:
        """The process, or one of this kind, has ended unexpectedly. Returns how often in a row it has not stayed up;
        `delay` says when there is another start. What ends together with siblings of its kind, before the next start,
        counts once: however many there are, their successors are started as soon as that of a single one."""
        now, before = self._monotonic(), self._report["ended"].get(name)
        times = [*(before["times"] if before else ()), now][-MOST_KEPT:]
        if before is not None and has_siblings and _have_ended_together(before, now):
            ends = Ends(**{**before, "times": times})
        else:
            ends = self._failed(before, times)
        self._report["ended"][name] = ends
        self.put()
        return ends["in_a_row"]

    def _failed(self, before: Ends | None, times: list[float]) -> Ends:
        """The report after one more failed start, just now."""
        now, wall, count, since = times[-1], self._clock(), 1, None
        if before is not None and _counts(before, now):
            count, since = before["in_a_row"] + 1, before["since"]
        again, due = iso(wall + delay(count)), now + delay(count)
        return Ends(in_a_row=count, since=since or iso(wall), again=again, due=due, times=times)

    def due(self, name: str) -> float:
        """When the process is to be started, by time.monotonic; 0 if it has never ended."""
        return ended["due"] if (ended := self._report["ended"].get(name)) else 0.0

    def running(self, processes: Mapping[str, int]) -> None:
        """The ids of the processes that run, by name; the supervisor's own is added."""
        if (found := {SUPERVISOR: os.getpid(), **processes}) != self._report["processes"]:
            self._report["processes"] = found
            self.put()

    def lost(self, lines: int) -> None:
        """So many lines of the log have been lost so far."""
        if lines != self._report["lost_lines"]:
            self._report["lost_lines"] = lines
            self.put()


class SupervisorReport:
    """The other processes' side. A missing or damaged file says nothing."""

    def __init__(self, path: Path, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._path, self._monotonic = path, monotonic

    def problems(self) -> Iterator[str]:
        """A sentence for each process that has not stayed up twice in a row, or has ended OFTEN."""
        now = self._monotonic()
        for name, ended in self._read()["ended"].items():
            often = sum(now - RECENT_SECONDS <= each <= now for each in ended["times"])
            if ended["in_a_row"] > 1 and _counts(ended, now):
                times = f"{ended['in_a_row']} times since {ended['since']}"
                yield f"{name}: it has not stayed up {times}, next start {ended['again']}"
            elif often >= OFTEN and now <= ended["times"][-1] + STEADY_SECONDS:
                yield f"{name}: it has ended {often} times in the last {RECENT_SECONDS // 60} minutes"

    def processes(self) -> dict[str, int]:
        """The process ids of the supervisor and of what it has started, by name."""
        return self._read()["processes"]

    def lost_lines(self) -> int:
        """How many lines of the log the supervisor could not write."""
        return self._read()["lost_lines"]

    def _read(self) -> Report:
        try:
            return read_json(self._path, SHAPE)
        except (OSError, DamagedFileError):
            return {"processes": {}, "ended": {}, "lost_lines": 0}


def delay(failed: int) -> int:
    """How many seconds after so many failed starts in a row there is another: none, then more and more."""
    return min(failed - 1, LONGEST_DELAY)


def _have_ended_together(ended: Ends, now: float) -> bool:
    """Whether a process that ends now does so with those that have ended, before their successors are started."""
    return now < max(ended["due"], ended["due"] - delay(ended["in_a_row"]) + TOGETHER_SECONDS)


def _counts(ended: Ends, now: float) -> bool:
    """Whether the process has not lived for long enough since to have started."""
    return now <= ended["due"] + SETTLED_SECONDS + LATE_SECONDS
