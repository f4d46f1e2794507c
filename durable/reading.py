"""Small files as they are read back: whole and of the right shape, or damaged, and how; knows nothing of what they are
for."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from durable import files
from durable.names import is_there

T = TypeVar("T")

_Signature = tuple[int, ...] | bool

WORDS: Final = {
    errno.ENOENT: "is a link that leads nowhere",
    errno.EISDIR: "is a folder",
    errno.ENOTDIR: "lies in no folder",
    errno.EACCES: "may not be read",
    errno.EPERM: "may not be read",
    errno.ELOOP: "is a link that leads to itself",
    errno.EINVAL: "is no regular file",
}


class DamagedFileError(Exception):
    """A file cannot be read, or what is in it cannot be understood; the message names the file and says what is wrong,
    and nothing of where it lies."""


def read_json(path: Path, shape: TypeAdapter[T]) -> T:
    """The value in a JSON file, UTF-8, of exactly this shape.

    Raises FileNotFoundError when nothing has the name, DamagedFileError for whatever else cannot be read.
    """
    data = read_bytes(path)
    if not data.strip(b"\0\t\r\n "):
        raise DamagedFileError(f"{path.name} is empty")
    try:
        return shape.validate_json(data, strict=True)
    except ValidationError as error:
        raise DamagedFileError(f"{path.name} {_in_words(error)}") from error


def read_bytes(path: Path) -> bytes:
    """What is in a regular file; raises as `read_json` does."""
    try:
        return files.read(path)
    except OSError as error:
        if not is_there(path):
            raise FileNotFoundError(errno.ENOENT, "there is no such file", path.name) from error
        raise DamagedFileError(f"{path.name} {fault_of(error)}") from error


class Looks:
    """What was found in files, kept until they change: asking again costs one stat."""

    def __init__(self) -> None:
        self._seen: dict[Path, tuple[_Signature, str]] = {}

    def fault(self, path: Path, look: Callable[[Path], str]) -> str:
        """What `look` says of the file, in whatever state it is."""
        signature = _signature(path)
        seen = self._seen.get(path)
        if seen is None or seen[0] != signature:
            seen = self._seen[path] = (signature, look(path))
        return seen[1]

    def known(self, path: Path) -> str | None:
        """What was found in the file as it is now; None when it was not looked at."""
        seen = self._seen.get(path)
        return seen[1] if seen is not None and seen[0] == _signature(path) else None


def json_fault(path: Path, shape: TypeAdapter[Any]) -> str:
    """What is wrong with a JSON file; empty when nothing is, or when there is none."""
    try:
        read_json(path, shape)
    except FileNotFoundError:
        return ""
    except DamagedFileError as error:
        return str(error)
    return ""


def fault_of(error: OSError) -> str:
    """What the system says of a file, as the end of a sentence, without the file's place."""
    return WORDS.get(error.errno or 0, f"cannot be read: {error.strerror or type(error).__name__}")


def _in_words(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_context=False, include_url=False)[0]
    if first["type"] == "json_invalid":
        return "is not JSON"
    place = ".".join(map(str, first["loc"]))
    return f"is not what it should be{f' at {place[:100]}' if place else ''}: {first['msg'][:200]}"


def _signature(path: Path) -> _Signature:
    try:
        stat = path.stat()
    except OSError:
        return is_there(path)
    return stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino, stat.st_size
