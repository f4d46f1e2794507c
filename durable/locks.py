"""Locks between processes, on files; the kernel releases them when the holder dies."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TextIO

from durable.entries import is_file, is_open_as, is_there, open_entry, set_aside

POLL_SECONDS: Final = 0.02


class HeldError(TimeoutError):
    """Another process, which may be suspended, has held a lock for longer than was to be waited for it."""


class ClaimedError(Exception):
    """Another process holds the claim; `holder` is its process id, or "unknown"."""

    def __init__(self, path: Path, holder: str) -> None:
        self.holder = holder
        super().__init__(f"{path.name} is held by process {holder}")


def claim(path: Path) -> TextIO:
    """Lock the file and write this process's id into it; held until the returned file is closed or the process ends,
    however it ends. Raises ClaimedError at once when another process holds it, OSError."""
    file = os.fdopen(_open_lock(path), "r+", encoding="ascii")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        with file:
            raise ClaimedError(path, file.read().strip() or "unknown") from error
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


@contextmanager
def locked(path: Path, timeout: float | None = None) -> Iterator[None]:
    """Hold the lock file `path` against other threads and processes.

    Raises HeldError when it is not free within `timeout` seconds.
    """
    descriptor = _lock(path, timeout)
    try:
        yield
    finally:
        os.close(descriptor)


def _lock(path: Path, timeout: float | None) -> int:
    while True:
        descriptor = _open_lock(path)
        try:
            _wait(descriptor, timeout)
            if is_open_as(path, descriptor):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _open_lock(path: Path) -> int:
    """Open or create the lock file; anything else that has its name is set aside."""
    if is_there(path) and not is_file(path):
        with suppress(FileNotFoundError):  # another process was faster
            set_aside(path)
    return open_entry(path, os.O_RDWR | os.O_CREAT)


def _wait(descriptor: int, timeout: float | None) -> None:
    if timeout is None:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        return
    deadline = time.monotonic() + timeout
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        if time.monotonic() >= deadline:
            raise HeldError(f"the lock is held for more than {timeout} s")
        time.sleep(POLL_SECONDS)


def is_held(path: Path) -> bool:
    """Whether any process holds a lock on this file; also true if this cannot be determined."""
    try:
        descriptor = open_entry(path)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            os.close(descriptor)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return False
