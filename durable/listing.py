"""What is made of the names in a folder, or of its files, again only after a change; knows nothing of their content."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, Generic, TypeVar

T = TypeVar("T")

SETTLED_SECONDS: Final = 2.0
"""A folder that changes twice within the resolution of its file system's clock has one time for both changes: what is
made of it is kept only if by then it had not changed for so long."""


class FolderCache(Generic[T]):
    """What `make` makes of a folder and the names in it; asking again costs one stat, and a change by any process is
    seen at once. A folder that there is not, or that may not be read, has no names."""

    def __init__(self, make: Callable[[Path, list[str]], T], clock: Callable[[], float] = time.time) -> None:
        self._make = make
        self._clock = clock
        self._seen: dict[Path, tuple[tuple[int, int], T]] = {}

    def of(self, folder: Path) -> T:
        """The result for the folder in its current state; it may be shared, so it must not be modified."""
        try:
            stat = folder.stat()
        except (FileNotFoundError, NotADirectoryError):
            self._seen.pop(folder, None)
            return self._make(folder, [])
        signature = (stat.st_mtime_ns, stat.st_ino)
        seen = self._seen.get(folder)
        if seen is not None and seen[0] == signature:
            return seen[1]
        made = self._make(folder, _names(folder))
        if self._clock() - stat.st_mtime > SETTLED_SECONDS:
            self._seen[folder] = (signature, made)
        return made


class FilesCache(Generic[T]):
    """What `make` makes of the files in a folder; asking again costs a stat of each."""

    def __init__(self, make: Callable[[Path], T]) -> None:
        self._make = make
        self._seen: dict[str, tuple[int, T]] = {}

    def of(self, folder: Path) -> T:
        """The result for the files in their current state; it may be shared, so it must not be modified. What `make`
        itself changes in the folder is seen the next time."""
        path = str(folder)
        signature, seen = _state_of_files(path), self._seen.get(path)
        if seen is None or seen[0] != signature:
            seen = self._seen[path] = (signature, self._make(folder))
        return seen[1]

    def forget(self, folder: Path) -> None:
        """Make it anew the next time."""
        self._seen.pop(str(folder), None)


def _state_of_files(folder: str) -> int:
    """A hash of the folder's number and the files' names, times, sizes and numbers; small, because there may be many
    folders."""
    try:
        own = os.lstat(folder)
        with os.scandir(folder) as entries:
            return hash((own.st_ino, own.st_mode, *((entry.name, *_state(entry)) for entry in entries)))
    except OSError as error:
        return hash((error.errno, os.path.lexists(folder)))


def _state(entry: os.DirEntry[str]) -> tuple[int, ...]:
    try:
        stat = entry.stat()
    except OSError as error:  # a link that leads nowhere
        return (error.errno or 0,)
    return stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino, stat.st_size, stat.st_mode


def _names(folder: Path) -> list[str]:
    with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
        return os.listdir(folder)  # noqa: PTH208 (one call, no Path objects)
    return []
