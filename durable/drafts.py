"""Drafts: files and folders that are being written, and get their final name in one step when they are complete.

A draft has a temporary name, and a lock that ends with the process that writes it. The draft of a killed process is
dead: it has no lock, and is removed by the next process that cleans up.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from durable.entries import drop, is_folder, open_entry, set_aside, sync_folder
from durable.locks import is_held

PREFIX: Final = ".draft-"
FOLDER: Final = ".d"
"""The suffix of a draft folder's name; the same name without it is that of the file with the lock."""

FORMER_PREFIX: Final = ".new-"
FORMER_LOCK: Final = ".held"
FORMER_SECONDS: Final = 60
"""Earlier builds named draft folders like this; some had a lock file inside, the others were finished in a moment."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A file that is being written at `path`, until one of its methods gives it its final name, in the same file
    system."""

    path: Path
    file: BinaryIO

    def finish(self) -> None:
        """Flush what was written to the disk. Naming the draft does that too; call this before taking a lock that
        should not be held for long."""
        self.file.flush()
        os.fsync(self.file.fileno())

    def put(self, path: Path, *, sync: bool = True) -> None:
        """Take the name in one step, replacing any file that had it: readers see the old content or the new one. A
        folder with that name is set aside.

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
    """A new file in the folder, removed at the end unless it was given a name; `mode` as in os.open. Raises OSError."""
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
        os.close(descriptor)  # removed as dead by another process between its creation and its lock


@contextmanager
def draft_folder(parent: Path, *, clean: bool = True) -> Iterator[Path]:
    """A new folder in `parent`, removed at the end unless `put_new_folder` gave it a name. A draft file beside it has
    the lock.

    `parent` is created if it is missing, and with `clean` dead drafts in it are removed. Raises OSError.
    """
    parent.mkdir(parents=True, exist_ok=True)
    if clean:
        remove_dead_drafts(parent)
    with draft(parent) as holder:
        path = holder.path.with_suffix(FOLDER)
        path.mkdir()
        try:
            yield path
        finally:
            drop(path)


def put_new_folder(folder: Path, path: Path, *, sync: bool = True) -> None:
    """Give a draft folder, whose files are on the disk, its name in one step, on the disk when this returns; `sync` as
    in `Draft.put`.

    Raises OSError when anything but an empty folder has the name.
    """
    if sync:
        sync_folder(folder)
    folder.rename(path)
    if sync:
        sync_folder(path.parent)


def withdraw(path: Path) -> Path:
    """Rename a file or folder to a draft's name, in one step; returns the new path, for `drop` to delete at any time.

    If the process is killed before, it is removed with the dead drafts. Raises OSError.
    """
    return path.rename(_new_name(path.parent).with_suffix(FOLDER))


def remove_dead_drafts(folder: Path) -> None:
    """Remove the draft files and folders in the folder that no living process has locked."""
    for path in folder.glob(f"{FORMER_PREFIX}*"):
        with suppress(OSError):
            if not is_held(path / FORMER_LOCK) and time.time() - path.lstat().st_mtime > FORMER_SECONDS:
                drop(path)
    for path in folder.glob(f"{PREFIX}*"):
        with suppress(OSError):
            try:
                holder = open_entry(path.with_suffix(""))
            except FileNotFoundError:
                drop(path)
                continue
            try:
                fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
                drop(path)
            finally:
                os.close(holder)


def _new_name(folder: Path) -> Path:
    return folder / f"{PREFIX}{secrets.token_hex(8)}"
