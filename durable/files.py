"""Values in files by name: put, put if absent, read. A file is complete or does not exist, even after a kill or a power
cut."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from durable.drafts import draft
from durable.entries import open_entry


def put(path: Path, data: bytes, mode: int = 0o666, *, sync: bool = True) -> None:
    """Write the file in one step, replacing any existing one; `mode` as in os.open, `sync` as in `Draft.put`.

    Raises OSError, and then nothing has changed.
    """
    with draft(path.parent, mode) as new:
        new.file.write(data)
        new.put(path, sync=sync)


def put_new(path: Path, data: bytes, mode: int = 0o666) -> bool:
    """Write the file unless something has the name; returns whether it was written. On the disk when this returns.

    Of several processes that try, one succeeds. Raises OSError, and then nothing has changed.
    """
    with draft(path.parent, mode) as new:
        new.file.write(data)
        try:
            new.put_new(path)
        except FileExistsError:
            return False
    return True


def read(path: Path, *, follow: bool = False) -> bytes:
    """The content of a regular file; raises as `opened` does. With `follow`, also of one that a link leads to."""
    with opened(Path(os.path.realpath(path)) if follow else path) as file:
        return file.read()


def opened(path: Path) -> BinaryIO:
    """A regular file, to be read. Raises OSError, also for a link, which may lead out of the folder, and for a pipe,
    which would never end."""
    descriptor = open_entry(path)
    try:
        if stat.S_ISDIR(mode := os.fstat(descriptor).st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise
