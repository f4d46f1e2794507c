"""A run's event log, to which complete lines are appended, and which can be read while a worker writes it; knows no
leases."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from durable import files, reading
from durable.entries import is_file, is_there, open_entry, set_aside

EVENTS: Final = "events.jsonl"
NUMBERS: Final = ("step", "characters")
"""The fields of an event that must be numbers if present."""
LONGEST_FIRST: Final = 1 << 16
"""In bytes: a log's first line is the status of a new job."""
EMPTY: Final = f"{EVENTS} is empty"
MISSING: Final = f"{EVENTS} is missing"


@dataclass(frozen=True, slots=True)
class JobEvent:
    """One line of a run's log: `kind` is `status`, `metrics`, `evaluation`, `samples` or `warnings`; `id` is the offset
    of the next line in bytes, so ids increase."""

    id: int
    kind: str
    data: dict[str, Any]


class EventLog:
    """The log in the directory of a run; damaged lines and incomplete ones are skipped."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / EVENTS

    def read(self, after: int = 0) -> Iterator[JobEvent]:
        """The events in order, after the one with the id `after`; none if the file cannot be read."""
        try:
            file = files.opened(self._path)
        except OSError:
            return
        with file:
            file.seek(after)
            for line in file:
                after += len(line)
                if line.endswith(b"\n") and (event := _event(after, line)) is not None:
                    yield event

    def metrics(self) -> list[dict[str, Any]]:
        """The measurements so far, in order of steps; those of evaluations have `gradient_norms`, and the loss on
        held-out text, if any."""
        return [event.data for event in self.read() if event.kind in {"metrics", "evaluation"}]

    def samples(self) -> list[dict[str, Any]]:
        """The samples so far, from evaluations and after 1%, 5%, 20% and all of the training: `step`, `fraction` of the
        training, `characters` read until then, `samples`, always of the same prompts and seeds."""
        return [event.data for event in self.read() if event.kind == "samples"]

    def last_step(self, kind: str) -> int:
        """The highest step of events of this kind; -1 without any."""
        return max((event.data.get("step", 0) for event in self.read() if event.kind == kind), default=-1)

    def has(self, event: int) -> bool:
        """Whether an event has this id, the offset at which its line ends; 0 is the beginning."""
        if event == 0:
            return True
        try:
            with files.opened(self._path) as file:
                if event > os.fstat(file.fileno()).st_size:
                    return False
                file.seek(event - 1)
                return file.read(1) == b"\n"
        except OSError:
            return False

    def fault(self) -> str:
        """What is wrong with the file, as far as its first line shows; empty when nothing is."""
        try:
            with files.opened(self._path) as file:
                line = file.readline(LONGEST_FIRST)
        except OSError as error:
            return f"{EVENTS} {reading.fault_of(error)}" if is_there(self._path) else MISSING
        if not line:
            return EMPTY
        return "" if _event(0, line) is not None else f"{EVENTS} does not begin with an event"

    def append(self, kind: str, data: dict[str, Any]) -> None:
        """Append an event; anything else that has the file's name is set aside. The caller must hold the run's
        lease."""
        line = line_of(kind, data)
        if is_there(self._path) and not is_file(self._path):
            set_aside(self._path)
        with os.fdopen(open_entry(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666), "ab", 0) as file:
            file.write(line)

    def mend(self) -> None:
        """Remove an incomplete last line, left by a killed writer; readers have ignored it. The caller must hold the
        run's lease."""
        with suppress(OSError), os.fdopen(open_entry(self._path, os.O_RDWR), "r+b") as file:
            whole = 0
            for line in file:
                whole += len(line) if line.endswith(b"\n") else 0
            file.truncate(whole)


def line_of(kind: str, data: dict[str, Any]) -> bytes:
    """An event as a line of a log."""
    return json.dumps({"kind": kind, **data}).encode() + b"\n"


def log_fault(path: Path) -> str:
    """What is wrong with the log at this path; empty when nothing is."""
    return EventLog(path.parent).fault()


def _event(id: int, line: bytes) -> JobEvent | None:
    """The event of a line; None for a damaged line."""
    with suppress(ValueError, RecursionError):
        data = json.loads(line)
        if isinstance(data, dict) and isinstance(kind := data.pop("kind", None), str):
            numbers = (data.get(name, 0) for name in NUMBERS)
            if all(isinstance(number, int | float) for number in numbers):
                return JobEvent(id, kind, data)
    return None
