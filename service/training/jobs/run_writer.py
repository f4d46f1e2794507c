"""What the holder of a run's lease writes into the run's directory; knows no leases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Protocol

from durable import files
from durable.entries import drop
from service.training.jobs.event_log import EventLog


class Writer(Protocol):
    """Takes changes of a run's small files and of its log, in order."""

    def put(self, name: str, value: dict[str, Any], *, sync: bool = True) -> None:
        """Replace a JSON file. Without `sync`, a power cut may lose the change."""
        ...

    def drop(self, name: str) -> None:
        """Delete a JSON file, if it is there."""
        ...

    def log(self, kind: str, data: dict[str, Any]) -> None:
        """Add an event to the log."""
        ...


class FolderWriter:
    """Writes each change at once, atomically. Its methods raise OSError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, name: str, value: dict[str, Any], *, sync: bool = True) -> None:
        """As in Writer."""
        files.put(self._folder / name, json.dumps(value).encode(), sync=sync)

    def drop(self, name: str) -> None:
        """As in Writer."""
        drop(self._folder / name)

    def log(self, kind: str, data: dict[str, Any]) -> None:
        """As in Writer."""
        EventLog(self._folder).append(kind, data)
