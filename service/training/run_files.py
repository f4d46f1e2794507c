"""What stands in a run's directory and how it is read while a worker writes it; knows nothing of who may write."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from model_store import files

REQUEST: Final = "request.json"
STATUS: Final = "status.json"
PROGRESS: Final = "progress.json"
PLAN: Final = "plan.json"
INTENT: Final = "publishing.json"
EVENTS: Final = "events.jsonl"
CANCEL: Final = "cancel"
LOCK: Final = "lock"

_RESUME: Final = "resume-"
_KEPT: Final = 2
_DIGEST: Final = hashlib.sha256().digest_size


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a run's log: `id` is where the next one begins, in bytes, and grows."""

    id: int
    kind: str
    data: dict[str, Any]


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a JSON file; None when there is none, or when a power cut left it empty."""
    try:
        value: dict[str, Any] = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return value


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Replace a JSON file in one step, on the disk when this returns."""
    files.replace(path, json.dumps(value).encode())


def append_event(folder: Path, kind: str, data: dict[str, Any]) -> None:
    """Add a line to the run's log."""
    line = json.dumps({"kind": kind, **data}).encode() + b"\n"
    with (folder / EVENTS).open("ab", buffering=0) as file:
        file.write(line)


def read_events(folder: Path, after: int = 0) -> Iterator[Event]:
    """The run's log, from the event after the one with the id `after` on; a line still being written is left out."""
    try:
        file = (folder / EVENTS).open("rb")
    except FileNotFoundError:
        return
    with file:
        file.seek(after)
        for line in file:
            after += len(line)
            if line.endswith(b"\n"):
                with suppress(ValueError, KeyError, TypeError):
                    data = json.loads(line)
                    yield Event(after, data.pop("kind"), data)


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
    with suppress(FileNotFoundError), (folder / EVENTS).open("r+b") as file:
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
        path.unlink(missing_ok=True)


def drop_resume_points(folder: Path) -> None:
    """Keep none, of a run that has ended."""
    for path in _resume_points(folder):
        path.unlink(missing_ok=True)


def read_resume_points(folder: Path) -> Iterator[bytes]:
    """The undamaged resume points, the newest first."""
    for path in _resume_points(folder):
        data = path.read_bytes()
        if hashlib.sha256(data[_DIGEST:]).digest() == data[:_DIGEST]:
            yield data[_DIGEST:]


def newest_step(folder: Path) -> int:
    """The step of the newest resume point, damaged or not; 0 without any."""
    points = _resume_points(folder)
    return int(points[0].name.removeprefix(_RESUME)) if points else 0


def _resume_points(folder: Path) -> list[Path]:
    names = (name for name in os.listdir(folder) if name.startswith(_RESUME))  # noqa: PTH208
    return [folder / name for name in sorted(names, reverse=True)]
