"""The alias file of one model: the version that each alias points to, and its history; knows no versions."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, TypeAdapter

from durable import files
from durable.clock import now
from durable.reading import DamagedFileError, read_json
from model_store.names import CURRENT, is_number

FILE: Final = "aliases.json"


@dataclass(frozen=True, slots=True)
class AliasChange:
    """One entry of an alias's history: since `time` (UTC) it points to `version` or, if `deleted`, no longer does.
    `rebuilt`: the file was damaged, and earlier entries are lost or come from a process's memory."""

    version: Annotated[int, Field(ge=1)]
    time: str
    reason: str = ""
    rolled_back: bool = False
    deleted: bool = False
    rebuilt: bool = False


Histories = dict[str, tuple[AliasChange, ...]]
"""For each alias its changes, oldest first, never empty; the last one is in effect. Deleted aliases keep their
history."""

_SHAPE: Final = TypeAdapter(
    Annotated[dict[str, Annotated[tuple[AliasChange, ...], Field(min_length=1)]], Field(min_length=1)]
)

_Signature = tuple[int, int, int]


class AliasReader:
    """Reads alias files, and again only after a change: a lookup costs one stat, and another process's change is seen
    at once. Histories only grow, so no two contents of a file have the same size, inode and change time."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[_Signature, Histories, dict[str, int]]] = {}

    def histories(self, folder: str) -> Histories:
        """Every alias's history. Raises FileNotFoundError when the model never had an alias, DamagedFileError; a file
        that was read before and has vanished counts as damaged."""
        return self._read(folder)[1]

    def versions(self, folder: str) -> dict[str, int]:
        """The version that every alias points to; must not be modified. Raises FileNotFoundError, DamagedFileError."""
        return self._read(folder)[2]

    def remembered(self, folder: str) -> Histories:
        """The histories as this process last read them; empty if it never did."""
        seen = self._seen.get(folder)
        return {} if seen is None else seen[1]

    def forget(self, folder: str) -> None:
        """Forget this model's aliases."""
        self._seen.pop(folder, None)

    def assume(self, folder: str, histories: Histories) -> None:
        """Use these histories instead of the file's until it changes. Raises FileNotFoundError."""
        self._seen[folder] = (_stat(f"{folder}/{FILE}"), histories, held(histories))

    def _read(self, folder: str) -> tuple[_Signature, Histories, dict[str, int]]:
        path = f"{folder}/{FILE}"
        seen = self._seen.get(folder)
        try:
            signature = _stat(path)
        except FileNotFoundError:
            if seen is None:
                raise
            raise DamagedFileError(f"{FILE} has vanished") from None
        if seen is not None and seen[0] == signature:
            return seen
        # Before the file is read, so that a file replaced in between is read again next time.
        histories = read_json(Path(path), _SHAPE)
        seen = (signature, histories, held(histories))
        self._seen[folder] = seen
        return seen


def held_in(data: bytes) -> dict[str, int]:
    """The version that every alias points to in an alias file of this content. Raises ValueError if it is damaged."""
    return held(_SHAPE.validate_json(data))


def parsed(data: bytes) -> Histories:
    """The histories in an alias file of this content. Raises ValueError if it is damaged."""
    return _SHAPE.validate_json(data, strict=True)


def with_deletion(histories: Histories, version: int) -> Histories:
    """The histories with a note that the version is deleted, under its number, which no alias can have as its name:
    where several machines share a store, no other can point an alias to the version from then on."""
    return appended(histories, str(version), AliasChange(version, now(), "the version is deleted", deleted=True))


def deletions(histories: Histories) -> list[int]:
    """The versions of which such a note says that they are deleted."""
    return sorted(int(name) for name in histories if is_number(name))


def held(histories: Histories) -> dict[str, int]:
    """The version that every alias points to; must not be modified."""
    return {alias: changes[-1].version for alias, changes in histories.items() if not changes[-1].deleted}


def appended(histories: Histories, alias: str, change: AliasChange) -> Histories:
    """The histories with one more change."""
    return {**histories, alias: (*histories.get(alias, ()), change)}


def encoded(histories: Histories) -> bytes:
    """The content of an alias file."""
    lines = {name: [asdict(entry) for entry in changes] for name, changes in sorted(histories.items())}
    return json.dumps(lines, indent=1).encode()


def write(folder: Path, histories: Histories) -> None:
    """Replace the alias file, or whatever else has its name; the caller holds the model's lock."""
    files.put(folder / FILE, encoded(histories))


def rebuilt(remembered: Histories, best: int | None, fault: str) -> Histories:
    """The replacement for a damaged file: the remembered histories, else only `current`, pointing to the best version;
    each history says what happened. `fault` says what was wrong."""
    if remembered:
        reason = f"{fault}; restored as it was last read"
        moment = now()
        again = {alias: AliasChange(each, moment, reason, rebuilt=True) for alias, each in held(remembered).items()}
        return {alias: (*changes, again[alias]) if alias in again else changes for alias, changes in remembered.items()}
    reason = f"{fault}; rebuilt from the versions, what was there before is lost"
    return {} if best is None else {CURRENT: (AliasChange(best, now(), reason, rebuilt=True),)}


def earlier(changes: tuple[AliasChange, ...], exists: Callable[[int], bool]) -> int | None:
    """The version to roll back to: the one that the alias pointed to before its current one.

    Rolling back twice goes two steps back, not back and forth; versions deleted since are skipped.
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


def _stat(path: str) -> _Signature:
    """The signature of the file, or of a link that has its name. Raises FileNotFoundError when nothing has the name."""
    try:
        stat = os.lstat(path)
    except NotADirectoryError as error:
        raise FileNotFoundError(path) from error
    return (stat.st_mtime_ns, stat.st_ino, stat.st_size)
