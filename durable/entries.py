"""The entries of a folder, of whatever kind: whether there is one, how it is opened, removed or set aside, how it
reaches the disk."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

ASIDE: Final = ".damaged-"


def is_there(path: Path) -> bool:
    """Whether anything has this name, including a broken link; true if this cannot be determined."""
    try:
        path.lstat()
    except OSError as error:
        return error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)
    return True


def is_open_as(path: Path, descriptor: int) -> bool:
    """Whether the path still names the open file."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def is_folder(path: Path) -> bool:
    """Whether the path is a folder, and not a link to one."""
    return path.is_dir() and not path.is_symlink()


def is_file(path: Path) -> bool:
    """Whether the path is a regular file, and not a link to one."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def open_entry(path: Path, flags: int = os.O_RDONLY, mode: int = 0o600) -> int:
    """A descriptor of whatever has this name, as from os.open, but without following a link, which may lead anywhere,
    and without waiting for the other end of a pipe. Raises OSError; for a link ELOOP."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, mode)


def close_to_others(path: Path) -> None:
    """Let only its owner read and write a file, if this user may change that."""
    with suppress(OSError):
        descriptor = open_entry(path)
        try:
            os.fchmod(descriptor, 0o600)
        finally:
            os.close(descriptor)


def drop(path: Path) -> None:
    """Delete what has this name, if anything: a file, a link, or a folder with its content.

    Raises OSError for a file that cannot be deleted; of a folder as much as possible is deleted.
    """
    if is_folder(path):
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def set_aside(path: Path) -> Path:
    """Rename whatever has this name, so that nothing is lost; returns its new path in the same folder, which is not
    used for anything else. Raises OSError."""
    return path.rename(_aside(path))


def keep_copy(path: Path) -> None:
    """Keep a file that is about to be replaced under such a name as well, if possible."""
    with suppress(OSError):
        os.link(path, _aside(path), follow_symlinks=False)


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _aside(path: Path) -> Path:
    return path.with_name(f"{ASIDE}{path.name}-{secrets.token_hex(4)}")
