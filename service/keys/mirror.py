"""The keys of several machines, as objects in a store, and the files of DATA_DIR that mirror them on one machine; knows
no key.

A file is written after its object, and only with what was read from the store or has just been put there. What was seen
of the objects lies beside the files, so that an unchanged one is not fetched again and a machine knows whether it has
ever reached the store.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter
from typing_extensions import TypedDict

from durable import files, locks
from durable.entries import is_there, set_aside
from durable.objects import Content, ObjectInfo, ObjectMissingError, Objects
from durable.reading import DamagedFileError, read_json
from service.keys.secret_file import put_secret


class Seen(TypedDict):
    """The e-tag of an object, and the SHA-256 of the file that has its content."""

    etag: str
    sha256: str


_SEEN: Final = TypeAdapter(dict[str, Seen])

Listed = Mapping[str, ObjectInfo] | None
"""The objects of the store by key, from a list just made; None: the store is asked for each."""


class KeysMirror:
    """Objects and their files in one folder, each with its key as its name; `seen` is the path of what was seen."""

    def __init__(self, objects: Objects, folder: Path, seen: Path) -> None:
        self.objects = objects
        self._folder = folder
        self._path = seen

    def has_seen(self, key: str) -> bool:
        """Whether this machine has ever read the object, or that there is none."""
        return key in self._seen()

    def current(self, key: str, listed: Listed = None) -> Content | None:
        """The object; None if there is none. It is not fetched if its e-tag in `listed` is that of the file here.
        Raises OSError."""
        if listed is not None:
            if (info := listed.get(key)) is None:
                return None
            if (data := self._unchanged(key, info.etag)) is not None:
                return Content(data, info.etag)
        with suppress(ObjectMissingError):
            return self.objects.get(key)
        return None

    def exists(self, key: str, listed: Listed = None) -> bool:
        """Whether there is such an object. Raises OSError."""
        if listed is not None:
            return key in listed
        with suppress(ObjectMissingError):
            self.objects.look(key)
            return True
        return False

    def keep(self, key: str, found: Content) -> bool:
        """Write the file with what the object has; returns whether that is new here. What is not from the store is set
        aside. Raises OSError."""
        if self._unchanged(key, found.etag) == found.data:
            return False
        if is_there(path := self._folder / key) and not self.has_seen(key) and _content(path) != found.data:
            set_aside(path)
        put_secret(path, found.data)
        self._note(key, Seen(etag=found.etag, sha256=_sha256(found.data)))
        return True

    def lose(self, key: str) -> bool:
        """There is no object: what has its name here is set aside. Returns whether there was something, or whether that
        was not known. Raises OSError."""
        was_known, is_here = self.has_seen(key), is_there(path := self._folder / key)
        if is_here:
            set_aside(path)
        if not was_known or is_here:
            self._note(key, Seen(etag="", sha256=""))
        return is_here or not was_known

    def _unchanged(self, key: str, etag: str) -> bytes | None:
        """The file's content if it is that of the object with this e-tag."""
        seen, data = self._seen().get(key), _content(self._folder / key)
        is_same = seen is not None and data is not None and seen["etag"] == etag and seen["sha256"] == _sha256(data)
        return data if is_same else None

    def _seen(self) -> dict[str, Seen]:
        try:
            return read_json(self._path, _SEEN)
        except (OSError, DamagedFileError):  # then all is fetched again
            return {}

    def _note(self, key: str, seen: Seen) -> None:
        with locks.locked(self._path.with_name(f"{self._path.name}.lock")):
            put_secret(self._path, _SEEN.dump_json(self._seen() | {key: seen}))


def _content(path: Path) -> bytes | None:
    try:
        return files.read(path)
    except OSError:
        return None


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
