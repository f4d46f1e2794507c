"""What is asked of a store of objects: values by key that several machines share, with the few promises that everything
else relies on; knows no medium. `directory_objects` keeps them in a folder, `s3_objects` in an S3 bucket.

A key is a path with `/`, such as `models/NAME/3.safetensors`; none of its parts is empty or begins with a dot. An e-tag
changes with the content, and only with it: a value that is swapped has a counter in it, or one that returns to an
earlier one would be taken for unchanged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class ObjectsError(Exception):
    """Anything that a store refuses; the message names the key."""


class ObjectMissingError(ObjectsError, LookupError):
    """No object has this key."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(f"there is no object {key}")


class ObjectExistsError(ObjectsError):
    """An object has this key already."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(f"there is an object {key} already")


class ObjectChangedError(ObjectsError):
    """The object is not the one that was read before: another writer was faster, or has deleted it."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(f"the object {key} has changed")


class ObjectDamagedError(ObjectsError):
    """The object's content is not what was put: it was cut short or changed by something else."""

    def __init__(self, key: str, reason: str) -> None:
        self.key = key
        self.reason = reason
        super().__init__(f"the object {key} {reason}")


class InvalidKeyError(ObjectsError, ValueError):
    """A key that is no path, or that could leave the store."""

    def __init__(self, key: str) -> None:
        super().__init__(f"{key!r} is no key of an object")


class ObjectTooLargeError(ObjectsError):
    """A file that is larger than an object may be; both sizes in bytes."""

    def __init__(self, key: str, size: int, largest: int) -> None:
        super().__init__(f"{key} would be an object of {size} bytes, and the store takes at most {largest}")


class StoreUnavailableError(OSError):
    """The store is away, slow, full or refuses the caller; the message says which. The same call may succeed later."""


class StoreRefusedError(StoreUnavailableError):
    """The store refuses the caller, or there is none of this name; the message says why. The same call succeeds once
    that was mended."""


class StoreSettingsError(ValueError):
    """The settings name no store that could be asked; the message says what is wrong with them."""


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What a store knows of an object without reading it; `size` in bytes."""

    key: str
    etag: str
    size: int


@dataclass(frozen=True, slots=True)
class Content:
    """An object's content, and the e-tag that it has with it."""

    data: bytes
    etag: str


class Objects(Protocol):
    """A store. Its methods may be called by several threads, and by any number of processes and machines.

    Each raises InvalidKeyError, and OSError where the medium fails: StoreUnavailableError for a store that is reached
    through a network. Then it is not known whether a write has happened. No call waits longer than some ten seconds,
    and a second for each megabyte. What a method that writes has returned from is durable, and seen by all others from
    then on; each sees an object's old content or its new one, whole.
    """

    def get(self, key: str) -> Content:
        """The content. Raises ObjectMissingError, ObjectDamagedError."""
        ...

    def look(self, key: str) -> ObjectInfo:
        """What is known of the object, without its content. Raises ObjectMissingError."""
        ...

    def get_range(self, key: str, start: int, stop: int) -> bytes:
        """The bytes from `start` up to but without `stop`: fewer where the content ends before. Raises
        ObjectMissingError."""
        ...

    def fetch(self, key: str, path: Path) -> ObjectInfo:
        """Write the content to a file, which has its name only once it is whole and on the disk, and replaces any that
        had it. Raises ObjectMissingError, ObjectDamagedError."""
        ...

    def put(self, key: str, data: bytes) -> str:
        """Write the object, replacing any that there is: for what can be made again. Returns its e-tag."""
        ...

    def put_new(self, key: str, data: bytes) -> str:
        """Write the object unless there is one: of all writers one succeeds, and knows it, even if the answer to its
        first try was lost. Returns its e-tag. Raises ObjectExistsError."""
        ...

    def put_new_file(self, key: str, path: Path) -> str:
        """`put_new` with the content of a file, which need not fit into memory. Raises ObjectTooLargeError too."""
        ...

    def swap(self, key: str, data: bytes, etag: str) -> str:
        """Replace the content that has this e-tag: of all writers that read it, one succeeds, and knows it, even if the
        answer to its first try was lost. Returns the new e-tag. Raises ObjectChangedError."""
        ...

    def list(self, prefix: str, after: str = "") -> Iterator[ObjectInfo]:
        """The objects whose keys begin with `prefix` (any text, not only whole parts) and come after `after`, in the
        order of the characters' numbers. What is written or deleted meanwhile may be among them or not."""
        ...

    def delete(self, key: str) -> None:
        """Delete the object, if there is one."""
        ...


def check_key(key: str) -> None:
    """Raises InvalidKeyError for what is no key."""
    if not is_key(key):
        raise InvalidKeyError(key)


def is_key(text: str) -> bool:
    """Whether an object can have this key."""
    return text.isprintable() and "\\" not in text and all(part and part[0] != "." for part in text.split("/"))
