"""The resume points in a run's directory: training states from which the next worker continues; knows nothing of their
content."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from durable import files
from durable.entries import drop

_PREFIX: Final = "resume-"
_NAME: Final = re.compile(rf"{_PREFIX}[0-9]{{12}}")
_KEPT: Final = 2
_DIGEST: Final = hashlib.sha256().digest_size


def name_of(step: int) -> str:
    """The file name of the resume point after `step` steps."""
    return f"{_PREFIX}{step:012d}"


def step_of(name: str) -> int:
    """The step of a resume point whose name begins like a file's."""
    return int(name[len(_PREFIX) : len(name_of(0))])


def is_name(name: str) -> bool:
    """Whether a resume point has this file name."""
    return _NAME.fullmatch(name) is not None


def sealed(state: bytes) -> bytes:
    """A resume point as stored: the state, preceded by its SHA-256."""
    return hashlib.sha256(state).digest() + state


def unsealed(data: bytes) -> Iterator[bytes]:
    """The state in a resume point as stored, if that is undamaged."""
    if hashlib.sha256(data[_DIGEST:]).digest() == data[:_DIGEST]:
        yield data[_DIGEST:]


def read(folder: Path) -> Iterator[bytes]:
    """The states of the undamaged resume points, the newest first."""
    for path in _paths(folder):
        try:
            data = files.read(path)
        except OSError:
            continue
        yield from unsealed(data)


def stored(folder: Path) -> Iterator[tuple[int, bytes]]:
    """The undamaged resume points as stored, with their steps, the newest first."""
    for path in _paths(folder):
        with suppress(OSError):
            data = files.read(path)
            for _ in unsealed(data):
                yield step_of(path.name), data


def newest_step(folder: Path) -> int:
    """The step of the newest resume point, damaged or not; 0 without any."""
    paths = _paths(folder)
    return step_of(paths[0].name) if paths else 0


def drop_old(folder: Path) -> None:
    """Delete all but the newest two: if the newest is damaged, only the steps since the previous one are lost."""
    for path in _paths(folder)[_KEPT:]:
        drop(path)


def drop_all(folder: Path) -> None:
    """Delete the resume points of a run that has ended."""
    for path in _paths(folder):
        drop(path)


def _paths(folder: Path) -> list[Path]:
    names = filter(is_name, os.listdir(folder))  # noqa: PTH208
    return [folder / name for name in sorted(names, reverse=True)]
