"""Since when a job waits for a disk that is full or read-only: the time of an empty file in the directory of its run,
because the time of a file can be set without any space; knows no leases."""

from __future__ import annotations

import os
import stat
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from durable import space
from durable.clock import iso

FILE: Final = "stalled"
NOT: Final = 0.0
"""The time of the file as long as nothing is waited for."""


def prepare(folder: Path) -> None:
    """Create the file in the directory of a new run. Raises OSError."""
    (folder / FILE).touch()
    os.utime(folder / FILE, (NOT, NOT))


def begin(folder: Path) -> None:
    """Note that the job waits from now on, unless it does already; what fails is left out."""
    if _since(folder) is None:
        with suppress(OSError):
            (folder / FILE).touch()
            os.utime(folder / FILE, (time.time(), time.time()), follow_symlinks=False)


def end(folder: Path) -> None:
    """Note that the job goes on."""
    if _since(folder) is not None:
        with suppress(OSError):
            os.utime(folder / FILE, (NOT, NOT), follow_symlinks=False)


def warnings(folder: Path) -> tuple[str, ...]:
    """A sentence for users if the job, which has not ended, waits."""
    since, goes_on = _since(folder), "the job waits, and goes on by itself when it can be written"
    if since is not None:
        return (f"disk full since {iso(since)}: {goes_on}",)
    if space.shortage([folder]) == "read-only":  # not even the time of a file can be set
        return (f"disk read-only: {goes_on}",)
    return ()


def _since(folder: Path) -> float | None:
    """When the job began to wait, in seconds since 1970."""
    with suppress(OSError):
        found = (folder / FILE).lstat()
        if stat.S_ISREG(found.st_mode) and found.st_mtime != NOT:
            return found.st_mtime
    return None
