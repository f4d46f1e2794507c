"""Names in a folder: whether anything has one, how it is taken away or set aside, how it gets to the disk."""

from __future__ import annotations

import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final

ASIDE: Final = ".damaged-"


def is_there(path: Path) -> bool:
    """Whether anything has this name, a link that leads nowhere too; what cannot be looked at counts as there."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def is_open_as(path: Path, descriptor: int) -> bool:
    """Whether the name still stands for what is open."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def is_folder(path: Path) -> bool:
    """Whether the name stands for a folder, and not for a link to one."""
    return path.is_dir() and not path.is_symlink()


def drop(path: Path) -> None:
    """Delete what has this name, if anything does: a file, a link, or a folder with all that is in it.

    Raises OSError for a file that cannot be deleted; of a folder as much is deleted as can be.
    """
    if is_folder(path):
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def set_aside(path: Path) -> Path:
    """Rename what has this name, whatever it is, so that nothing is lost; returns the new name, beside the old one,
    under which nothing is looked for. Raises OSError."""
    return path.rename(_aside(path))


def keep_copy(path: Path) -> None:
    """Give a file that is about to be replaced such a name as well, where that can be done."""
    with suppress(OSError):
        os.link(path, _aside(path), follow_symlinks=False)


def sync_folder(folder: Path) -> None:
    """Bring a folder's names to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _aside(path: Path) -> Path:
    return path.with_name(f"{ASIDE}{path.name}-{secrets.token_hex(4)}")
