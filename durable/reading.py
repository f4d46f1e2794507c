"""Reads small files and checks their shape, or says how they are damaged; knows nothing of what they are for."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from durable import files
from durable.entries import is_there
from durable.space import SCARCE

T = TypeVar("T")

_Signature = tuple[int, ...] | bool

WORDS: Final = {
    errno.EISDIR: "is a folder",
    errno.ENOTDIR: "is not in a folder",
    errno.EACCES: "is not readable",
    errno.EPERM: "is not readable",
    errno.ELOOP: "is a link, which is not followed",
    errno.ENXIO: "is not a regular file",
    errno.EINVAL: "is not a regular file",
}


class DamagedFileError(Exception):
    """A file cannot be read, or its content is invalid; the message names the file and says what is wrong, without the
    path."""


def read_json(path: Path, shape: TypeAdapter[T]) -> T:
    """The value in a JSON file, UTF-8, validated against the shape.

    Raises FileNotFoundError when nothing has the name, DamagedFileError for anything that cannot be read, OSError where
    the process or the system has no descriptor or memory left for reading, which says nothing of the file.
    """
    data = read_bytes(path)
    if not data.strip(b"\0\t\r\n "):
        raise DamagedFileError(f"{path.name} is empty")
    try:
        return shape.validate_json(data, strict=True)
    except ValidationError as error:
        raise DamagedFileError(f"{path.name} {_in_words(error)}") from error


def read_bytes(path: Path) -> bytes:
    """The content of a regular file; raises as `read_json` does."""
    try:
        return files.read(path)
    except OSError as error:
        if not is_there(path):
            raise FileNotFoundError(errno.ENOENT, "there is no such file", path.name) from error
        raise DamagedFileError(f"{path.name} {fault_of(error)}") from error


class FaultCache:
    """Results of inspecting files, cached until these change: asking again costs one stat."""

    def __init__(self) -> None:
        self._seen: dict[Path, tuple[_Signature, str]] = {}

    def fault(self, path: Path, look: Callable[[Path], str]) -> str:
        """The result of `look` for the file in its current state."""
        signature = _signature(path)
        seen = self._seen.get(path)
        if seen is None or seen[0] != signature:
            seen = self._seen[path] = (signature, look(path))
        return seen[1]

    def known(self, path: Path) -> str | None:
        """The cached result for the file in its current state; None if there is none."""
        seen = self._seen.get(path)
        return seen[1] if seen is not None and seen[0] == _signature(path) else None


def json_fault(path: Path, shape: TypeAdapter[Any]) -> str:
    """What is wrong with a JSON file; empty when nothing is, or when it is missing."""
    try:
        read_json(path, shape)
    except FileNotFoundError:
        return ""
    except DamagedFileError as error:
        return str(error)
    return ""


def fault_of(error: OSError) -> str:
    """The system's error as the end of a sentence, without the file's path. Raises it if there is no descriptor or
    memory left, which says nothing of the file."""
    if error.errno in SCARCE:
        raise error
    return WORDS.get(error.errno or 0, f"cannot be read: {error.strerror or type(error).__name__}")


def message_of(error: Exception) -> str:
    """The error's message without the path that the system's own may have."""
    if isinstance(error, OSError):
        return error.strerror or "it cannot be opened"
    return str(error)


def _in_words(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_context=False, include_url=False)[0]
    if first["type"] == "json_invalid":
        return "is not JSON"
    place = ".".join(map(str, first["loc"]))
    return f"is not what it should be{f' at {place[:100]}' if place else ''}: {first['msg'][:200]}"


def _signature(path: Path) -> _Signature:
    try:
        stat = path.lstat()
    except OSError:
        return is_there(path)
    return stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino, stat.st_size
