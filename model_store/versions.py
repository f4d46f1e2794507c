"""The version files of one model: numbering, publication, deletion; knows no aliases and no contents."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from durable import files, locks
from durable.drafts import Draft, draft, remove_dead_drafts
from durable.entries import is_folder, is_there, set_aside, sync_folder
from durable.reading import DamagedFileError

SUFFIX: Final = ".safetensors"
DELETED: Final = ".deleted"
LOCK: Final = ".lock"
NO_FOLDER: Final = "a link or a file has the name of its folder"

_VERSION: Final = re.compile(rf"([1-9][0-9]*){re.escape(SUFFIX)}")
_NUMBERED: Final = re.compile(rf"([1-9][0-9]*)(?:{re.escape(SUFFIX)}|{re.escape(DELETED)})")


def numbers(folder: Path) -> list[int]:
    """The numbers of the existing versions, ascending; empty when there is no such folder."""
    return _numbers(folder, _VERSION)


def among(names: Collection[str]) -> tuple[set[int], set[int]]:
    """The versions that exist according to the names of a model's files, and those that were deleted."""
    known = {int(match[1]) for match in map(_VERSION.fullmatch, names) if match}
    used = {int(match[1]) for match in map(_NUMBERED.fullmatch, names) if match}
    deleted = {number for number in used if f"{number}{DELETED}" in names}
    return known - deleted, deleted


def ever(folder: Path) -> bool:
    """Whether the model ever had a version, including deleted ones."""
    return bool(_numbers(folder, _NUMBERED))


def began(folder: Path) -> int:
    """When the first version was published, even if it was deleted, in nanoseconds since 1970. Raises ValueError when
    the model never had one."""
    first = min(_numbers(folder, _NUMBERED))
    for suffix in (SUFFIX, DELETED):
        with suppress(OSError):
            return (folder / f"{first}{suffix}").lstat().st_mtime_ns
    return 0


def next_number(folder: Path) -> int:
    """The number that comes after all that were ever used."""
    return max(_numbers(folder, _NUMBERED), default=0) + 1


def publish(folder: Path, draft: Draft) -> int:
    """Publish a finished draft under the next number, which was never used before; the caller holds the model's lock.

    The link is the single step that creates the version, and it cannot overwrite anything.
    """
    number = next_number(folder)
    seal(draft.file.fileno())
    draft.put_new(folder / f"{number}{SUFFIX}")
    return number


def seal(descriptor: int, published: int | None = None) -> None:
    """Give a version's file the rights that it has from its publication on, and its time, in nanoseconds since 1970;
    None: now."""
    os.fchmod(descriptor, 0o444)
    if published is None:
        os.utime(descriptor)
    else:
        os.utime(descriptor, ns=(time.time_ns(), published))


def remove(folder: Path, number: int) -> None:
    """Delete a version in one step, leaving a tombstone that keeps its number taken. The caller holds the lock.

    Raises FileNotFoundError. The renamed file is then replaced, not truncated, because readers may have mapped it.
    """
    tombstone, path = folder / f"{number}{DELETED}", folder / f"{number}{SUFFIX}"
    if path.is_dir() and not path.is_symlink():
        files.put(tombstone, b"")
        shutil.rmtree(set_aside(path))
        return
    path.rename(tombstone)
    _empty(tombstone)


def tidy(folder: Path) -> None:
    """Remove what killed processes left: drafts, and the content of half-deleted versions."""
    remove_dead_drafts(folder)
    for tombstone in folder.glob(f"*{DELETED}"):
        with suppress(FileNotFoundError):
            if tombstone.is_file() and tombstone.stat().st_size:
                _empty(tombstone)


@contextmanager
def draft_in(folder: Path) -> Iterator[Draft]:
    """A draft in a model's folder, which is created if it is missing. Raises DamagedFileError if something else has the
    folder's name."""
    if is_there(folder) and not is_folder(folder):
        raise DamagedFileError(f"model {folder.name}: {NO_FOLDER}")
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        sync_folder(folder.parent)
    with draft(folder) as new:
        yield new


def forget_if_empty(folder: Path) -> None:
    """Remove the folder of a model whose first publication failed, if it is empty."""
    with suppress(OSError), locks.locked(folder / LOCK, 0):  # another process that holds it is about to publish
        if os.listdir(folder) == [LOCK]:  # noqa: PTH208
            (folder / LOCK).unlink()
            folder.rmdir()


def _empty(tombstone: Path) -> None:
    """Replace the tombstone's content, which may be a version's, by none; its time stays."""
    stat = tombstone.lstat()
    files.put(tombstone, b"")
    os.utime(tombstone, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def _numbers(folder: Path, pattern: re.Pattern[str]) -> list[int]:
    try:
        names = [] if folder.is_symlink() else os.listdir(folder)  # noqa: PTH208 (no Path objects wanted)
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted({int(match[1]) for match in map(pattern.fullmatch, names) if match})
