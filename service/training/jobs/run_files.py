"""The names of the files in a run's directory, and how the small ones are read and written; knows no leases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter

from durable import files, reading
from durable.reading import DamagedFileError

REQUEST: Final = "request.json"
STATUS: Final = "status.json"
PROGRESS: Final = "progress.json"
WARNINGS: Final = "warnings.json"
PLAN: Final = "plan.json"
INTENT: Final = "publishing.json"
ATTEMPTS: Final = "attempts.json"
CANCEL: Final = "cancel"
LOCK: Final = "lock"

T = TypeVar("T")


def read_shaped(path: Path, shape: TypeAdapter[T]) -> T | None:
    """The value of this shape in a JSON file; None if it is missing or damaged."""
    try:
        return reading.read_json(path, shape)
    except (FileNotFoundError, DamagedFileError):
        return None


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Replace a JSON file atomically, on the disk when this returns. Raises OSError."""
    files.put(path, json.dumps(value).encode())
