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

from durable import reading
from durable.entries import is_there, set_aside

EVENTS: Final = "events.jsonl"
NUMBERS: Final = ("step", "characters")
"""The fields of an event that must be numbers if present."""
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
            file = self._path.open("rb")
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
            with self._path.open("rb") as file:
                if event > os.fstat(file.fileno()).st_size:
                    return False
                file.seek(event - 1)
                return file.read(1) == b"\n"
        except OSError:
            return False

    def fault(self) -> str:
        """What is wrong with the file, as far as can be seen without reading it; empty when nothing is."""
        try:
            stat = self._path.stat()
        except OSError as error:
            return f"{EVENTS} {reading.fault_of(error)}" if is_there(self._path) else MISSING
        if not self._path.is_file():
            return f"{EVENTS} is not a regular file"
        return "" if stat.st_size else EMPTY

    def append(self, kind: str, data: dict[str, Any]) -> None:
        """Append an event; anything else that has the file's name is set aside. The caller must hold the run's
        lease."""
        line = json.dumps({"kind": kind, **data}).encode() + b"\n"
        if self.fault() not in ("", EMPTY, MISSING):
            set_aside(self._path)
        with self._path.open("ab", buffering=0) as file:
            file.write(line)

    def mend(self) -> None:
        """Remove an incomplete last line, left by a killed writer; readers have ignored it. The caller must hold the
        run's lease."""
        with suppress(OSError), self._path.open("r+b") as file:
            whole = 0
            for line in file:
                whole += len(line) if line.endswith(b"\n") else 0
            file.truncate(whole)


def _event(id: int, line: bytes) -> JobEvent | None:
    """The event of a line; None for a damaged line."""
    with suppress(ValueError, RecursionError):
        data = json.loads(line)
        if isinstance(data, dict) and isinstance(kind := data.pop("kind", None), str):
            numbers = (data.get(name, 0) for name in NUMBERS)
            if all(isinstance(number, int | float) for number in numbers):
                return JobEvent(id, kind, data)
    return None
