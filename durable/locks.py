"""Locks between processes, held by files; the kernel frees them when their holder dies."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from durable.names import is_open_as, set_aside

POLL_SECONDS: Final = 0.02


@contextmanager
def locked(path: Path, timeout: float | None = None) -> Iterator[None]:
    """Hold the lock file `path` against other threads and processes.

    Raises TimeoutError when it is not free within `timeout` seconds.
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
    """A lock file is nothing but its name: what took its place is taken away."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
    try:
        return os.open(path, flags, 0o644)
    except (IsADirectoryError, FileNotFoundError) as error:
        if isinstance(error, FileNotFoundError) and not path.is_symlink():
            raise
        set_aside(path)
        return os.open(path, flags, 0o644)


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
            raise TimeoutError(f"the lock is held for more than {timeout} s")
        time.sleep(POLL_SECONDS)


def is_held(path: Path) -> bool:
    """Whether somebody holds a lock on this file, or it is not this user's to tell."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return False
