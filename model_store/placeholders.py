"""Placeholders: version files of which only the header is on this disk, so that they are listed and described like any
other; in place of the weights they have a hole, which takes no space. Knows no store.

A version is marked before its file becomes a placeholder, and until it is whole again: what is marked may be whole, but
what is not marked is.
"""

from __future__ import annotations

import os
from pathlib import Path

from durable import files
from durable.drafts import draft
from durable.entries import drop, sync_folder
from model_store import versions


def is_marked(folder: Path, number: int) -> bool:
    """Whether the version's file may be a placeholder."""
    return os.path.lexists(_mark(folder, number))


def mark(folder: Path, number: int) -> None:
    """The version's file may be a placeholder from now on, or is damaged: it is fetched before it is read."""
    files.put(_mark(folder, number), b"", sync=False)


def put(folder: Path, number: int, header: bytes, size: int, published: int) -> None:
    """Replace the version's file, if there is one, by a placeholder of this size in bytes that begins with `header` and
    was published at this time, in nanoseconds since 1970. The caller holds the model's lock."""
    mark(folder, number)
    with draft(folder) as new:
        new.file.write(header[:size])
        new.file.truncate(size)
        new.file.flush()
        versions.seal(new.file.fileno(), published)
        new.put(folder / f"{number}{versions.SUFFIX}")


def fill(folder: Path, number: int, whole: Path) -> None:
    """Replace the placeholder by the whole file, which is on the disk, and keeps the placeholder's time. The caller
    holds the model's lock. Raises FileNotFoundError if there is no placeholder."""
    path = folder / f"{number}{versions.SUFFIX}"
    published = path.lstat().st_mtime_ns
    descriptor = os.open(whole, os.O_RDONLY | os.O_CLOEXEC)
    try:
        versions.seal(descriptor, published)
    finally:
        os.close(descriptor)
    whole.replace(path)
    sync_folder(folder)
    unmark(folder, number)


def unmark(folder: Path, number: int) -> None:
    """The version's file is whole, or is no longer there."""
    drop(_mark(folder, number))


def _mark(folder: Path, number: int) -> Path:
    return folder / f".{number}.placeholder"
