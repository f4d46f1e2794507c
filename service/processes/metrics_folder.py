"""The folder in which the web processes of a service share their metrics, in memory if possible."""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import shutil
import socket
import tempfile
from pathlib import Path
from typing import IO, Final

from durable import locks
from service.data_dir import DataDir
from service.settings import Settings

log = logging.getLogger(__name__)

MEMORY: Final = Path("/dev/shm")  # nosec B108 # the folder in it is new, and closed to other users
LOCK: Final = "lock"
"""A file in the folder that is locked as long as any of the service's processes runs."""


def folder_for(settings: Settings, memory: Path = MEMORY) -> Path:
    """The folder for the service that this process starts; it differs between services.

    It is in memory where possible: a process that writes to a mapped file on a full disk is killed.
    """
    base = memory if _takes_files(memory) else DataDir(settings.data_dir.absolute()).run
    service = f"{socket.gethostname()} {settings.data_dir.absolute()} {settings.host} {settings.port}"
    digest = hashlib.sha256(service.encode()).hexdigest()[:12]
    return base / f"{_prefix()}{digest}-{os.getpid()}"


def heartbeat_folder(settings: Settings, memory: Path = MEMORY) -> Path:
    """Where gunicorn makes a file for each web process, without which none starts: the first folder that takes one, in
    memory if possible."""
    places = (memory, DataDir(settings.data_dir.absolute()).run)
    return next(filter(_takes_files, places), Path(tempfile.gettempdir()))


class MetricsFolder:
    """The folder, which exists from `begin` to `end`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: IO[bytes] | None = None

    def begin(self) -> None:
        """Create it, and remove those of killed services. If there is no space, the service continues without it."""
        draft = self.path.with_name(f".{self.path.name}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            for each in self.path.parent.glob(f"{_prefix()}*"):
                if not _in_use(each):
                    shutil.rmtree(each, ignore_errors=True)
            draft.mkdir(mode=0o700)
            self._lock = (draft / LOCK).open("wb")
            fcntl.flock(self._lock, fcntl.LOCK_SH)
            draft.rename(self.path)  # so that another service that starts never sees it without its lock
        except OSError as error:
            shutil.rmtree(draft, ignore_errors=True)
            log.warning("the processes' metrics cannot be shared in %s: %s", self.path, error.strerror)

    def end(self) -> None:
        """Remove it."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            self._lock.close()


def _takes_files(folder: Path) -> bool:
    """Whether there is such a folder, and it is neither read-only nor out of inodes."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _prefix() -> str:
    return f"charrnn-metrics-{os.getuid()}-"


def _in_use(folder: Path) -> bool:
    """Whether a process of the folder's service is alive; true if this user cannot determine it."""
    try:
        if folder.is_symlink() or folder.stat().st_uid != os.getuid():
            return True
    except FileNotFoundError:
        return False
    return locks.is_held(folder / LOCK)
