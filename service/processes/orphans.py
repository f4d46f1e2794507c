"""Processes that a killed supervisor left behind: the next start waits until they make way, and kills those that do not
end. Where the system does not list open files (/proc), there are none."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from durable import locks
from durable.entries import is_there, set_aside

MARK: Final = "processes.lock"
"""A file in the folder `run`, locked as long as any of the processes or of what they started runs."""
PATIENCE_SECONDS: Final = 20.0
"""How long they may take to end; the system has signalled them to, and their requests are finished in that time."""
LOOK_SECONDS: Final = 0.05


def mark(run_dir: Path) -> None:
    """Mark this process, and the program that it becomes, as one that must end before another service starts."""
    with suppress(OSError):
        descriptor = os.open(run_dir / MARK, os.O_RDWR | os.O_CREAT | os.O_NONBLOCK, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        os.set_inheritable(descriptor, True)


class Orphans:
    """The marked processes that are running when this is created. The caller holds the lock of the data directory, so
    that they are not another service's."""

    def __init__(self, run_dir: Path) -> None:
        path = run_dir / MARK
        if is_there(path) and not path.is_file():
            set_aside(path)
        self._processes = list(_holders(path)) if locks.is_held(path) else []

    def __bool__(self) -> bool:
        """Whether any of them is left."""
        return len(self._ended(0)) < len(self._processes)

    def make_way(self, is_free: Callable[[], bool], patience: float = PATIENCE_SECONDS) -> None:
        """Return once `is_free`, or when none is left. Those that have not ended within `patience` seconds are killed,
        in the background if need be."""
        deadline = time.monotonic() + patience
        while self and not is_free():
            if time.monotonic() > deadline:
                self._kill()
                self._ended(patience)
                return
            time.sleep(LOOK_SECONDS)
        threading.Thread(target=self._kill_late, args=(deadline,), daemon=True).start()

    def _kill_late(self, deadline: float) -> None:
        while self and time.monotonic() < deadline:
            time.sleep(1.0)
        self._kill()

    def _kill(self) -> None:
        for process in self._processes:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(process, signal.SIGKILL)

    def _ended(self, seconds: float) -> list[int]:
        """Those that have ended; waits so many seconds for the first one."""
        poll = select.poll()
        for process in self._processes:
            poll.register(process, select.POLLIN)
        return [process for process, _ in poll.poll(1000 * seconds)]


def _holders(path: Path) -> Iterator[int]:
    """Descriptors (pidfd) of the processes that have the file open."""
    found = set()
    for opened in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):
            if (process := int(opened.parts[2])) not in found and opened.samefile(path):
                yield os.pidfd_open(process)
                found.add(process)
