"""Keeps what can be fetched or made again, the texts of a mirror and what is derived from them, within a bound."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from durable import locks
from durable.drafts import withdraw
from durable.entries import drop, is_folder
from service.training.corpora.corpus import CHARACTERS, CORPUS_FILE
from service.training.corpora.mirror import NOTE, CorpusMirror

USED: Final = ".used"
"""The file whose time is that of the folder's last use."""
RECENT_SECONDS: Final = 600.0
"""What was used since then stays: a caller that was given a path may be about to open it."""
SMALL: Final = (CORPUS_FILE, CHARACTERS, NOTE, USED)

log = logging.getLogger(__name__)


class _Folder(NamedTuple):
    used: float
    size: int
    path: Path


class Room:
    """Drops the large files of those corpora of a mirror that were used least recently, once all of them together have
    more than `most` bytes: not those of a corpus that a job needs (`in_use`), or that was used in the last minutes.
    `lock`: the file that is locked meanwhile."""

    def __init__(
        self, mirror: CorpusMirror, root: Path, lock: Path, most: int, in_use: Callable[[str], Sequence[str]]
    ) -> None:
        self._mirror = mirror
        self._root = root
        self._lock = lock
        self._most = most
        self._in_use = in_use

    def used(self, folder: Path) -> None:
        """Note that a corpus is used."""
        with suppress(OSError):
            (folder / USED).touch()

    def make(self, size: int = 0) -> None:
        """Drop as much as `size` more bytes need, if possible."""
        found = sorted(filter(None, (_seen(self._root / corpus) for corpus in self._mirror.ids())))
        excess = sum(folder.size for folder in found) + size - self._most
        for folder in found:
            if excess <= 0 or time.time() - folder.used < RECENT_SECONDS:
                return
            if folder.size and not self._is_needed(folder.path.name):
                with locks.locked(self._lock):
                    _drop_large(folder.path)
                excess -= folder.size
                log.info("the text of corpus %s is no longer kept here", folder.path.name)

    def _is_needed(self, corpus: str) -> bool:
        """Also if that is not known."""
        try:
            return bool(self._in_use(corpus))
        except OSError:
            return True


def _seen(folder: Path) -> _Folder | None:
    """None if it was removed meanwhile."""
    try:
        size = sum(_size(path) for path in folder.iterdir() if path.name not in SMALL)
        marker = folder / USED
        used = (marker if marker.exists() else folder).stat().st_mtime
    except OSError:
        return None
    return _Folder(used, size, folder)


def _size(path: Path) -> int:
    if is_folder(path):
        return sum(_size(each) for each in path.iterdir())
    return path.lstat().st_size


def _drop_large(folder: Path) -> None:
    with suppress(FileNotFoundError):
        for name in os.listdir(folder):  # noqa: PTH208 (one call, no Path objects)
            if name not in SMALL:
                with suppress(FileNotFoundError):
                    drop(withdraw(folder / name))
