"""Files and folders that are still being made, and how they get their names: whole, in one step.

A draft has a name under which nothing is looked for, and a lock that lasts no longer than the process that makes it.
What a killed process leaves is dead: it has no lock, and is removed by the next one that tidies up there.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from durable.names import drop, is_folder, set_aside, sync_folder

PREFIX: Final = ".draft-"
FOLDER: Final = ".d"
"""What the name of a folder ends with; without it, it is that of the file that has the lock."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A file that is being written, at `path`, until one of its methods gives it the name under which others find it:
    one in the same file system."""

    path: Path
    file: BinaryIO

    def finish(self) -> None:
        """Bring what was written to the disk. Naming it does that too; call it before, where a lock should not wait."""
        self.file.flush()
        os.fsync(self.file.fileno())

    def put(self, path: Path, *, sync: bool = True) -> None:
        """Take the name in one step, in place of what had it: readers see the old content or the new one. A folder that
        has the name is set aside.

        With `sync`, content and name are on the disk when this returns; without, a power cut may lose them, though a
        kill does not.
        """
        if is_folder(path):
            set_aside(path)
        if sync:
            self.finish()
        self.file.flush()
        self.path.replace(path)
        if sync:
            sync_folder(path.parent)

    def put_new(self, path: Path) -> None:
        """Take a name that nothing has, in one step, on the disk when this returns. Raises FileExistsError."""
        self.finish()
        os.link(self.path, path)
        sync_folder(path.parent)


@contextmanager
def draft(folder: Path, mode: int = 0o666) -> Iterator[Draft]:
    """A new file in the folder, gone at the end unless it was given a name; `mode` as in os.open. Raises OSError."""
    path, descriptor = _made(folder, mode)
    try:
        with os.fdopen(descriptor, "r+b") as file:
            yield Draft(path, file)
    finally:
        with suppress(FileNotFoundError):
            path.unlink()


def _made(folder: Path, mode: int) -> tuple[Path, int]:
    while True:
        path = _new_name(folder)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return path, descriptor
        os.close(descriptor)  # removed as a dead one, between its creation and its lock


@contextmanager
def draft_folder(parent: Path) -> Iterator[Path]:
    """A new folder in `parent`, gone at the end unless `place` gave it a name. A draft beside it has the lock.

    `parent` is made where it is missing, and dead drafts are removed from it. Raises OSError.
    """
    parent.mkdir(parents=True, exist_ok=True)
    remove_dead_drafts(parent)
    with draft(parent) as holder:
        path = holder.path.with_suffix(FOLDER)
        path.mkdir()
        try:
            yield path
        finally:
            drop(path)


def place(folder: Path, path: Path) -> None:
    """Give a draft of a folder, whose files are on the disk, its name in one step, on the disk when this returns.

    Raises OSError when anything but an empty folder has the name.
    """
    sync_folder(folder)
    folder.rename(path)
    sync_folder(path.parent)


def unname(path: Path) -> Path:
    """Take the name from what has it, in one step; returns where that is now, for `drop` to delete at leisure.

    Should the process be killed before, it is removed with the dead drafts. Raises OSError.
    """
    return path.rename(_new_name(path.parent).with_suffix(FOLDER))


def remove_dead_drafts(folder: Path) -> None:
    """Remove the drafts in the folder, files and folders, that no living process holds."""
    for path in folder.glob(f"{PREFIX}*"):
        with suppress(OSError):
            try:
                holder = path.with_suffix("").open("rb")
            except FileNotFoundError:
                drop(path)
                continue
            with holder:
                fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
                drop(path)


def _new_name(folder: Path) -> Path:
    return folder / f"{PREFIX}{secrets.token_hex(8)}"
