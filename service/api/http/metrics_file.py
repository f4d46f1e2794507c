"""A file of metric values whose space on the disk is reserved before it is mapped."""

from __future__ import annotations

import logging
import mmap
import os
import struct
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from prometheus_client.core import Metric
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector

from durable.drafts import draft

log = logging.getLogger(__name__)

INITIAL_BYTES: Final = 1 << 16


class ReservedDict(MmapedDict):
    """Values in a file whose disk space is reserved before it is mapped, because writing to a mapped page without space
    would kill the process. If there is no space for more values, they are kept only in this process."""

    def __init__(self, filename: str, read_mode: bool = False) -> None:
        if read_mode:
            super().__init__(filename, read_mode)  # type: ignore[no-untyped-call]
            return
        path = Path(filename)
        if path.exists() and not is_whole(path):  # of an earlier process with the same id
            path.unlink()
        try:
            if not path.exists():
                with draft(path.parent) as new:  # readers always find the complete file
                    _reserve(new.file.fileno(), INITIAL_BYTES)
                    new.put(path, sync=False)
            super().__init__(filename)  # type: ignore[no-untyped-call]
        except OSError as error:
            with suppress(OSError):
                path.unlink()
            self._begin_alone(filename, error)

    @property
    def is_shared(self) -> bool:
        """Whether other processes can see all values."""
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


def is_whole(file: Path) -> bool:
    """Whether prometheus_client can read the file's values."""
    try:
        with file.open("rb") as opened:
            used: int = struct.unpack("i", opened.read(4))[0]
        merged([file])
        return 0 <= used <= file.stat().st_size
    except Exception:  # it checks little, so damaged bytes can fail anywhere
        return False


def merged(files: list[Path], *, accumulate: bool = True) -> list[Metric]:
    """The families of metrics in the files, summed up; with `accumulate` a histogram's buckets too. Raises anything for
    damaged files."""
    found: Iterable[Metric] = MultiProcessCollector.merge(list(map(str, files)), accumulate)  # type: ignore[no-untyped-call]
    return list(found)


def _reserve(descriptor: int, size: int) -> None:
    """Extend the file with zeros to this size, with allocated space. Raises OSError, and then the file is unchanged."""
    before = os.fstat(descriptor).st_size
    left = size - before
    try:
        while left > 0:
            left -= os.write(descriptor, bytes(left))
    except OSError:
        os.ftruncate(descriptor, before)
        raise
