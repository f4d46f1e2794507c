"""Leases on runs' directories: only one worker can write at a time, even if an earlier one wakes up late; knows nothing
of what is written."""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

from durable import files, locks
from durable.reading import DamagedFileError, read_json
from durable.space import reason_of
from service.training.errors import LeaseHeldError, LeaseLostError
from service.training.jobs.run_files import LOCK
from service.training.jobs.run_writer import FolderWriter, Writer
from service.training.jobs.shapes import LEASE as SHAPE
from service.training.jobs.shapes import LeaseFile

log = logging.getLogger(__name__)

LEASE: Final = "lease.json"
TTL_SECONDS: Final = 6.0
POLL_SECONDS: Final = 0.2
LOCK_SECONDS: Final = 2.0
"""How long to wait for the directory's lock, which is held only briefly, before its holder is considered suspended."""


class Lease:
    """The right to write to a run, held until `release`, or until another worker took it over.

    A thread renews it, so that a computation may take any time. A holder that is suspended for longer than the lease
    lasts may lose it: the next one gets a higher fencing token, and every write checks the token under the directory's
    lock, so that the earlier holder can no longer write. A holder that is suspended in the middle of a write keeps that
    lock, and the run waits until it is woken or killed: otherwise the write could end after the run was taken over.
    """

    def __init__(self, folder: Path, token: int, ttl: float) -> None:
        self._folder = folder
        self._token = token
        self._ttl = ttl
        self._released = threading.Event()
        self._thread = threading.Thread(target=self._renew_regularly, name=f"lease of {folder.name}", daemon=True)
        self._thread.start()

    @classmethod
    def take(cls, folder: Path, ttl: float = TTL_SECONDS) -> Lease:
        """Take the lease of a run that is free or whose lease was not renewed for `ttl` seconds.

        Raises LeaseHeldError, FileNotFoundError when there is no such run.
        """
        try:
            with locks.locked(folder / LOCK, timeout=LOCK_SECONDS):
                if is_live(folder, ttl):
                    raise LeaseHeldError(f"another worker already runs {folder.name}")
                token = _token(folder) + 1
                _write(folder, token, released=False)
        except TimeoutError as error:
            raise LeaseHeldError(f"another worker holds the lock of run {folder.name}") from error
        return cls(folder, token, ttl)

    @classmethod
    def take_soon(cls, folder: Path, stop: threading.Event, ttl: float = TTL_SECONDS) -> Lease:
        """Take the lease, waiting for it to expire; if its holder renews it, the wait ends at once.

        Raises LeaseHeldError, also when `stop` is set.
        """
        return taken_soon(lambda: cls.take(folder, ttl), folder, stop, ttl)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    @contextmanager
    def held(self, *, at_once: bool = True) -> Iterator[Writer]:  # noqa: ARG002 (here it always is)
        """A context for writing, in which no other worker can take over the run. With `at_once`, what was written is
        stored when it ends; without, it may be a moment later where storing takes long. Raises LeaseLostError."""
        with locks.locked(self._folder / LOCK):
            if self._released.is_set() or _token(self._folder) != self._token:
                raise lost(self._folder)
            yield FolderWriter(self._folder)
            os.utime(self._folder / LEASE)

    def release(self) -> None:
        """Let another worker take the run at once; does nothing if the lease is already lost."""
        try:
            self._give_up()
        except LeaseLostError:
            pass
        except OSError as error:  # a full disk: it expires
            log.warning("the lease of run %s could not be given up: %s", self._folder.name, reason_of(error))
        finally:
            self._released.set()
            self._thread.join()

    def _give_up(self) -> None:
        """Note that the lease is released."""
        with self.held():
            _write(self._folder, self._token, released=True)

    def _renew(self) -> None:
        """Note that the holder is alive."""
        with self.held():
            pass

    def _renew_regularly(self) -> None:
        fault = ""
        while not self._released.wait(self._ttl / 4):
            before, fault = fault, ""
            try:
                self._renew()
            except LeaseLostError:
                return
            except OSError as error:
                fault = reason_of(error)
            if fault and fault != before:
                log.warning("the lease of run %s cannot be renewed: %s", self._folder.name, fault)


L = TypeVar("L", bound=Lease)


def taken_soon(take: Callable[[], L], folder: Path, stop: threading.Event, ttl: float) -> L:
    """The lease from `take`, which is called until the one before has expired; if its holder renews that, the wait ends
    at once. Raises LeaseHeldError, also when `stop` is set."""
    deadline = time.monotonic() + 2 * ttl
    renewed = _renewed(folder)
    while True:
        is_last = time.monotonic() > deadline
        try:
            return take()
        except LeaseHeldError:
            if is_last or stop.wait(POLL_SECONDS) or _renewed(folder) != renewed:
                raise


def restart_watch(folder: Path) -> None:
    """Begin anew to watch whether the lease is renewed."""
    with suppress(OSError):
        os.utime(folder / LEASE)


def lost(folder: Path) -> LeaseLostError:
    """The error of a holder whose run was taken over."""
    return LeaseLostError(f"run {folder.name} was taken over by another worker")


def is_live(folder: Path, ttl: float = TTL_SECONDS) -> bool:
    """Whether a worker holds the run and renewed its lease within the last `ttl` seconds."""
    try:
        if _read(folder)["released"]:
            return False
    except FileNotFoundError:
        return False
    except DamagedFileError:
        pass  # its holder notices this when it renews the lease, and stops
    # In either direction: if the clock was set back, a dead worker must not seem alive.
    return abs(time.time() - _renewed(folder) / 1e9) < ttl


def last_renewal(folder: Path) -> int:
    """When the lease that a worker holds, or has left behind, was last renewed, in nanoseconds since 1970; 0: there is
    none."""
    with suppress(DamagedFileError, FileNotFoundError):
        return 0 if _read(folder)["released"] else _renewed(folder)
    return 0


def _renewed(folder: Path) -> int:
    """When the lease was last renewed, in nanoseconds since 1970; 0: never."""
    try:
        return (folder / LEASE).lstat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _token(folder: Path) -> int:
    """The newest token; if the file is damaged, a number higher than any token."""
    try:
        return _read(folder)["token"]
    except FileNotFoundError:
        return 0
    except DamagedFileError:
        return time.time_ns()


def _read(folder: Path) -> LeaseFile:
    return read_json(folder / LEASE, SHAPE)


def owner() -> str:
    """How this process is named as the holder of a lease."""
    return f"{socket.gethostname()}:{os.getpid()}"


def _write(folder: Path, token: int, released: bool) -> None:
    text = json.dumps({"token": token, "owner": owner(), "released": released})
    files.put(folder / LEASE, text.encode())
