"""Prometheus' files, in which every web process keeps its values for all: no full disk, damaged file or dead process
makes more trouble than that values are missing."""

from __future__ import annotations

import fcntl
import logging
import mmap
import os
import re
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from prometheus_client import values
from prometheus_client.core import Metric
from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

log = logging.getLogger(__name__)

FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
INITIAL_BYTES: Final = 1 << 16

_NAME: Final = re.compile(r"(counter|histogram|summary|gauge_[a-z]+)_(\d+)\.db")
_ENDED: Final = "{}_ended.db"
"""What processes counted that have ended, in one file for each type."""


class ReservedDict(MmapedDict):
    """A file of values that never needs space which it does not have: writing to a mapped page without space would kill
    the process. Where there is none for more values, they are kept in this process alone."""

    def __init__(self, filename: str, read_mode: bool = False) -> None:
        if read_mode:
            super().__init__(filename, read_mode)  # type: ignore[no-untyped-call]
            return
        path = Path(filename)
        if path.exists() and not is_whole(path):  # of a process before this one that had the same number
            path.unlink()
        try:
            draft = path.with_suffix(".new")
            with (path if path.exists() else draft).open("ab") as file:
                _reserve(file.fileno(), INITIAL_BYTES)
            if draft.exists():
                draft.replace(path)  # whoever reads it meanwhile finds it whole
            super().__init__(filename)  # type: ignore[no-untyped-call]
        except OSError as error:
            with suppress(OSError):
                path.unlink()
            self._begin_alone(filename, error)

    @property
    def is_shared(self) -> bool:
        """Whether other processes see all of the values."""
        return self._f is not None

    def _begin_alone(self, filename: str, error: OSError) -> None:
        log.warning("this process's metrics are not shared: %s: %s", filename, error.strerror)
        self._f: Any = None
        self._fname = filename
        self._positions: dict[str, int] = {}
        self._m = mmap.mmap(-1, INITIAL_BYTES)
        self._capacity, self._used = INITIAL_BYTES, 8
        self._m[:4] = struct.pack("i", self._used)

    def _init_value(self, key: str) -> None:
        while self._used + len(key.encode()) + 32 > self._capacity:
            self._grow()
        super()._init_value(key)  # type: ignore[no-untyped-call]

    def _grow(self) -> None:
        larger = 2 * self._capacity
        if self._f is not None:
            try:
                _reserve(self._f.fileno(), larger)
                self._m = mmap.mmap(self._f.fileno(), larger)
            except OSError as error:
                log.warning("this process's new metrics are not shared: %s: %s", self._fname, error.strerror)
                self._f.close()
                self._f = None
        if self._f is None:
            known, self._m = self._m, mmap.mmap(-1, larger)
            self._m[: self._used] = known[: self._used]
        self._capacity = larger


def shared_values() -> SharedValues | None:
    """Have prometheus_client keep this process's values so, and see those of all; None when it shares none."""
    if not getattr(values.ValueClass, "_multiprocess", False):
        return None
    values.MmapedDict = ReservedDict  # type: ignore[attr-defined]  # the library has no other way
    shared = SharedValues(Path(os.environ[FOLDER]))  # set by gunicorn, for prometheus_client
    shared.fold()
    return shared


class SharedValues(Collector):
    """The values of all processes, those that have ended included."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._told: set[str] = set()

    def collect(self) -> Iterable[Metric]:
        """The families of metrics; a file that cannot be read is left out."""
        with self._locked():
            self._fold()
            return _merged(self._whole(self._folder.glob("*.db")))

    def fold(self) -> None:
        """Put together what ended processes left, so that no more files remain than there are processes."""
        with self._locked():
            self._fold()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One at a time: while files are put together, what they count would be seen twice."""
        try:
            lock = (self._folder / "fold.lock").open("ab")
        except OSError:
            yield
            return
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _fold(self) -> None:
        left = [file for file in self._folder.glob("*.db") if not file.name.endswith("_ended.db") and not _lives(file)]
        whole = self._whole(left)
        for kind in ("counter", "histogram", "summary"):
            ended = [file for file in whole if file.name.startswith(f"{kind}_")]
            if ended and not self._put_together(kind, ended):
                left = [file for file in left if file not in ended]  # they stay until there is space
        for file in left:
            file.unlink(missing_ok=True)

    def _put_together(self, kind: str, files: list[Path]) -> bool:
        target = self._folder / _ENDED.format(kind)
        draft = target.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        sums = ReservedDict(str(draft))
        for metric in _merged(self._whole([target]) + files, accumulate=False):
            for name, labels, value, *_ in metric.samples:
                key = mmap_key(metric.name, name, list(labels), list(labels.values()), metric.documentation)
                sums.write_value(key, value, 0.0)  # type: ignore[no-untyped-call]
        done = sums.is_shared
        sums.close()  # type: ignore[no-untyped-call]
        if done:
            draft.replace(target)
        else:
            draft.unlink(missing_ok=True)
        return done

    def _whole(self, files: Iterable[Path]) -> list[Path]:
        found = []
        for file in files:
            if is_whole(file):
                found.append(file)
            elif file.exists() and file.name not in self._told:
                self._told.add(file.name)
                log.warning("the metrics in %s cannot be read and are left out", file.name)
        return found


def is_whole(file: Path) -> bool:
    """Whether prometheus_client can read the file's values."""
    try:
        with file.open("rb") as opened:
            used: int = struct.unpack("i", opened.read(4))[0]
        _merged([file])
        return 0 <= used <= file.stat().st_size
    except Exception:  # it checks little, so that damaged bytes fail anywhere
        return False


def _merged(files: list[Path], *, accumulate: bool = True) -> list[Metric]:
    merged: Iterable[Metric] = MultiProcessCollector.merge(list(map(str, files)), accumulate)  # type: ignore[no-untyped-call]
    return list(merged)


def _lives(file: Path) -> bool:
    """Whether the process whose values these are is alive."""
    if (named := _NAME.fullmatch(file.name)) is None:
        return False
    try:
        os.kill(int(named[2]), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _reserve(descriptor: int, size: int) -> None:
    """Make the file this large, with zeros that have been given their space. Raises OSError, the file as it was."""
    before = os.fstat(descriptor).st_size
    left = size - before
    try:
        while left > 0:
            left -= os.write(descriptor, bytes(left))
    except OSError:
        os.ftruncate(descriptor, before)
        raise
