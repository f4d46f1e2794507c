"""Processes that a killed supervisor left behind: the next start waits for their end."""

from __future__ import annotations

import fcntl
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from durable import locks
from durable.entries import is_there, set_aside
from service.processes.preflight import StartError

MARK: Final = "processes.lock"
"""A file in the folder `run`, locked as long as any of the processes or of what they started runs."""
PATIENCE_SECONDS: Final = 20.0
"""How long they may take to end before they are killed; their requests may end in that time."""
KILLED_SECONDS: Final = 5.0


def mark(run_dir: Path) -> None:
    """Mark this process, and the program that it becomes, as one that must end before another service starts."""
    with suppress(OSError):
        descriptor = os.open(run_dir / MARK, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        os.set_inheritable(descriptor, True)


def await_end(run_dir: Path, say: Callable[[str], object], patience: float = PATIENCE_SECONDS) -> None:
    """Wait until no process of an earlier start is left; kill those that do not end within `patience` seconds.

    Raises StartError if some are left even then. The caller holds the lock of the data directory, so that none begins.
    """
    path = run_dir / MARK
    if is_there(path) and not path.is_file():
        set_aside(path)
    if not locks.is_held(path):
        return
    say("processes of an earlier start, whose supervisor was killed, are still ending; waiting for them")
    if _ended(path, patience):
        return
    for process in _holders(path):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(process, signal.SIGKILL)
    if not _ended(path, KILLED_SECONDS):
        raise StartError("processes of an earlier start do not end; end them, then start again")


def _ended(path: Path, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while locks.is_held(path):
        if time.monotonic() >= deadline:
            return False
        time.sleep(locks.POLL_SECONDS)
    return True


def _holders(path: Path) -> Iterator[int]:
    """The processes that have the file open; none where the system does not list them (/proc)."""
    for opened in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):
            if opened.samefile(path):
                yield int(opened.parts[2])
