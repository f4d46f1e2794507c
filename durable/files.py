"""Files that come into being whole or not at all; knows nothing of what is in them."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

DRAFT_PREFIX: Final = ".draft-"
ASIDE_PREFIX: Final = ".damaged-"


@contextmanager
def draft(folder: Path) -> Iterator[BinaryIO]:
    """A new file in `folder`, under a name that nobody looks for; it is gone at the end, unless renamed or linked.

    Its lock tells the living from the dead: `remove_dead_drafts` takes away what no process holds.
    """
    file = _open_draft(folder)
    try:
        with file:
            yield file
    finally:
        with suppress(FileNotFoundError):
            Path(file.name).unlink()


def _open_draft(folder: Path) -> BinaryIO:
    while True:
        path = folder / f"{DRAFT_PREFIX}{secrets.token_hex(8)}"
        file = path.open("xb")
        fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return file
        # Taken for a dead one between its creation and its lock.
        file.close()


def remove_dead_drafts(folder: Path) -> None:
    """Take away the drafts of processes that are gone."""
    for path in folder.glob(f"{DRAFT_PREFIX}*"):
        with suppress(OSError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()


def finish(file: BinaryIO) -> None:
    """Bring all that was written to the disk, before the file gets the name under which others find it."""
    file.flush()
    os.fsync(file.fileno())


def replace(path: Path, data: bytes) -> None:
    """Give `path` a new content in one step: readers see the old one or the new one, after a power cut as well."""
    with draft(path.parent) as file:
        file.write(data)
        finish(file)
        Path(file.name).replace(path)
    sync_folder(path.parent)


def put(path: Path, data: bytes) -> None:
    """As `replace`, whatever has the name: a folder that took the place of a file is set aside."""
    if path.is_dir() and not path.is_symlink():
        set_aside(path)
    replace(path, data)


def replace_quickly(path: Path, data: bytes) -> None:
    """As `replace`, without waiting for the disk: after a power cut the content may be lost."""
    with draft(path.parent) as file:
        file.write(data)
        file.flush()
        Path(file.name).replace(path)


def put_quickly(path: Path, data: bytes) -> None:
    """As `replace_quickly`, whatever has the name."""
    if path.is_dir() and not path.is_symlink():
        set_aside(path)
    replace_quickly(path, data)


def sync_folder(folder: Path) -> None:
    """Bring a folder's names to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_there(path: Path) -> bool:
    """Whether anything has this name, a link that leads nowhere too; what cannot be told counts as there."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def read_regular(path: Path) -> bytes:
    """The content of a regular file; a pipe in its place, which would never end, is no such file. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if stat.S_ISDIR(mode := os.fstat(descriptor).st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "it is no regular file")
        with open(descriptor, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(descriptor)


def set_aside(path: Path) -> Path:
    """Take away what has this name, whatever it is, without losing it; returns its new name, which nobody looks for."""
    return path.rename(_aside(path))


def keep_copy(path: Path) -> None:
    """Give a damaged file a second name, which nobody looks for, before it is replaced; a folder is set aside then."""
    with suppress(OSError):
        os.link(path, _aside(path), follow_symlinks=False)


def drop(path: Path) -> None:
    """Take away a file, or whatever is in its place."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _aside(path: Path) -> Path:
    return path.with_name(f"{ASIDE_PREFIX}{path.name}-{secrets.token_hex(4)}")
