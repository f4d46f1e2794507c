"""What stands in a run's directory and how it is read while a worker writes it; knows nothing of who may write."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter

from durable import files, reading
from durable.names import drop, is_there, set_aside
from durable.reading import DamagedFileError
from service.training.shapes import OBJECT

REQUEST: Final = "request.json"
STATUS: Final = "status.json"
PROGRESS: Final = "progress.json"
WARNINGS: Final = "warnings.json"
PLAN: Final = "plan.json"
INTENT: Final = "publishing.json"
ATTEMPTS: Final = "attempts.json"
EVENTS: Final = "events.jsonl"
CANCEL: Final = "cancel"
LOCK: Final = "lock"

NUMBERS: Final = ("step", "characters")
"""Of an event, where it has them."""
EMPTY: Final = f"{EVENTS} is empty"
MISSING: Final = f"{EVENTS} is missing"

T = TypeVar("T")

_RESUME: Final = "resume-"
_RESUME_NAME: Final = re.compile(rf"{_RESUME}[0-9]{{12}}")
_KEPT: Final = 2
_DIGEST: Final = hashlib.sha256().digest_size


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a run's log: `id` is where the next one begins, in bytes, and grows."""

    id: int
    kind: str
    data: dict[str, Any]


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a JSON file; None when there is none, or when a power cut or a bad disk left nothing of it."""
    return read_shaped(path, OBJECT)


def read_shaped(path: Path, shape: TypeAdapter[T]) -> T | None:
    """As `read_json`, of what has this shape."""
    try:
        return reading.read_json(path, shape)
    except (FileNotFoundError, DamagedFileError):
        return None


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Replace a JSON file in one step, on the disk when this returns."""
    files.put(path, json.dumps(value).encode())


def append_event(folder: Path, kind: str, data: dict[str, Any]) -> None:
    """Add a line to the run's log."""
    line = json.dumps({"kind": kind, **data}).encode() + b"\n"
    if events_fault(folder / EVENTS) not in ("", EMPTY, MISSING):
        set_aside(folder / EVENTS)
    with (folder / EVENTS).open("ab", buffering=0) as file:
        file.write(line)


def read_events(folder: Path, after: int = 0) -> Iterator[Event]:
    """The run's log, from the event after the one with the id `after` on; a line still being written is left out."""
    try:
        file = (folder / EVENTS).open("rb")
    except OSError:
        return
    with file:
        file.seek(after)
        for line in file:
            after += len(line)
            if line.endswith(b"\n") and (event := _event(after, line)) is not None:
                yield event


def _event(id: int, line: bytes) -> Event | None:
    """The event of a line; None for one that a bad disk left nothing of."""
    with suppress(ValueError, RecursionError):
        data = json.loads(line)
        if isinstance(data, dict) and isinstance(kind := data.pop("kind", None), str):
            numbers = (data.get(name, 0) for name in NUMBERS)
            if all(isinstance(number, int | float) for number in numbers):
                return Event(id, kind, data)
    return None


def events_fault(path: Path) -> str:
    """What is wrong with a run's log, as far as it can be told without reading it; empty when nothing is."""
    try:
        stat = path.stat()
    except OSError as error:
        return f"{EVENTS} {reading.fault_of(error)}" if is_there(path) else MISSING
    if not path.is_file():
        return f"{EVENTS} is no regular file"
    return "" if stat.st_size else EMPTY


def has_event(folder: Path, event: int) -> bool:
    """Whether an event has this id, which is where its line ends; 0 is where all begin."""
    if event == 0:
        return True
    try:
        with (folder / EVENTS).open("rb") as file:
            if event > os.fstat(file.fileno()).st_size:
                return False
            file.seek(event - 1)
            return file.read(1) == b"\n"
    except OSError:
        return False


def mend_events(folder: Path) -> None:
    """Cut off the line that a writer left unfinished when it died; no reader has taken it for an event."""
    with suppress(OSError), (folder / EVENTS).open("r+b") as file:
        whole = 0
        for line in file:
            whole += len(line) if line.endswith(b"\n") else 0
        file.truncate(whole)


def resume_name(step: int) -> str:
    """The name of the resume point after so many steps."""
    return f"{_RESUME}{step:012d}"


def sealed(state: bytes) -> bytes:
    """A resume point as it is stored: its digest goes before it."""
    return hashlib.sha256(state).digest() + state


def drop_old_resume_points(folder: Path) -> None:
    """Keep the newest two."""
    for path in _resume_points(folder)[_KEPT:]:
        drop(path)


def drop_resume_points(folder: Path) -> None:
    """Keep none, of a run that has ended."""
    for path in _resume_points(folder):
        drop(path)


def read_resume_points(folder: Path) -> Iterator[bytes]:
    """The undamaged resume points, the newest first."""
    for path in _resume_points(folder):
        try:
            data = files.read(path)
        except OSError:
            continue
        if hashlib.sha256(data[_DIGEST:]).digest() == data[:_DIGEST]:
            yield data[_DIGEST:]


def newest_step(folder: Path) -> int:
    """The step of the newest resume point, damaged or not; 0 without any."""
    points = _resume_points(folder)
    return int(points[0].name.removeprefix(_RESUME)) if points else 0


def _resume_points(folder: Path) -> list[Path]:
    names = (name for name in os.listdir(folder) if _RESUME_NAME.fullmatch(name))  # noqa: PTH208
    return [folder / name for name in sorted(names, reverse=True)]
