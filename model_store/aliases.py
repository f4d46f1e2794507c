"""The alias file of one model: which name stands for which version, and what it stood for before; knows no versions."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from model_store import files

FILE: Final = "aliases.json"


@dataclass(frozen=True, slots=True)
class AliasChange:
    """One line of an alias's history: since `time` (UTC) it stands for `version`, or, `deleted`, no longer does."""

    version: int
    time: str
    reason: str = ""
    rolled_back: bool = False
    deleted: bool = False


Histories = dict[str, tuple[AliasChange, ...]]
"""Alias to its changes, oldest first, never empty: the last one holds. What is deleted keeps its own."""

_Signature = tuple[int, int, int]


def now() -> str:
    """The time in UTC, ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class AliasReader:
    """Reads alias files, again only when they changed: asking costs one stat, and another process's change is seen at
    once. A history only grows, so that no two contents of a file share size, inode and time of change."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[_Signature, Histories, dict[str, int]]] = {}

    def histories(self, folder: str) -> Histories:
        """Every alias's history; raises FileNotFoundError when the model never had an alias."""
        return self._read(folder)[1]

    def versions(self, folder: str) -> dict[str, int]:
        """What every alias stands for; not to be changed. Raises FileNotFoundError."""
        return self._read(folder)[2]

    def _read(self, folder: str) -> tuple[_Signature, Histories, dict[str, int]]:
        path = f"{folder}/{FILE}"
        seen = self._seen.get(folder)
        if seen is not None and seen[0] == _signature(os.stat(path)):  # noqa: PTH116 (microseconds count here)
            return seen
        with open(path, encoding="utf-8") as file:  # noqa: PTH123
            signature = _signature(os.fstat(file.fileno()))
            histories = _parse(json.load(file))
        seen = (signature, histories, _held(histories))
        self._seen[folder] = seen
        return seen


def append(folder: Path, histories: Histories, alias: str, change: AliasChange) -> None:
    """Replace the alias file by one with one change more; the caller holds the model's lock."""
    changed = {**histories, alias: (*histories.get(alias, ()), change)}
    lines = {name: [asdict(entry) for entry in changes] for name, changes in sorted(changed.items())}
    files.replace(folder / FILE, json.dumps(lines, indent=1).encode())


def earlier(changes: tuple[AliasChange, ...], exists: Callable[[int], bool]) -> int | None:
    """The version to roll back to: what the alias stood for before it came to stand for what it does now.

    Rolling back twice goes two steps back, not back and forth; versions deleted since are passed over.
    """
    stack: list[int] = []
    for change in changes:
        if change.deleted:
            continue
        if change.rolled_back:
            while stack and stack[-1] != change.version:
                stack.pop()
        else:
            stack.append(change.version)
    now_at = changes[-1].version
    return next((version for version in reversed(stack[:-1]) if version != now_at and exists(version)), None)


def _held(histories: Histories) -> dict[str, int]:
    return {alias: changes[-1].version for alias, changes in histories.items() if not changes[-1].deleted}


def _parse(lines: dict[str, list[dict[str, Any]]]) -> Histories:
    return {alias: tuple(AliasChange(**entry) for entry in entries) for alias, entries in lines.items()}


def _signature(stat: os.stat_result) -> _Signature:
    return (stat.st_mtime_ns, stat.st_ino, stat.st_size)
