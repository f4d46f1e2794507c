"""Objects copied from one store to another as they are: one that is there and differs is never replaced."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from durable import files
from durable.objects import (
    ObjectDamagedError,
    ObjectExistsError,
    ObjectInfo,
    ObjectMissingError,
    Objects,
    ObjectsError,
)
from model_store import aliases
from service.training.corpora.corpus import CORPUS_FILE
from service.training.jobs.shared_head import HEAD

HEADS: Final = (aliases.FILE, CORPUS_FILE, HEAD)
"""The names of objects that are replaced, and say of others that they are there."""


class DifferentObjectError(ObjectsError):
    """The target has another object with this key."""

    def __init__(self, key: str) -> None:
        super().__init__(f"{key} is another one in the target, and stays")


class Copier:
    """Copies objects from `source` to `target`; `say` is called with each key that was written."""

    def __init__(self, source: Objects, target: Objects, say: Callable[[str], object]) -> None:
        self.source, self.target = source, target
        self._say = say

    def all(self, prefixes: Iterable[str]) -> list[str]:
        """Copy all objects whose keys begin like this; returns what was left out, and why. Heads are read first and
        written last, so that what they name is there: both stores may be in use. Raises OSError."""
        left: list[str] = []
        for prefix in prefixes:
            found = list(self.source.list(prefix))
            heads = {each.key: self._content(each.key) for each in found if is_head(each.key)}
            for each in self.source.list(prefix):
                if not is_head(each.key):
                    left += self._tried(self.one, each)
            for key, data in heads.items():
                if data is not None:
                    left += self._tried(self.head, key, data)
        return left

    def one(self, info: ObjectInfo) -> None:
        """Copy an object that never changes. Raises DifferentObjectError, ObjectDamagedError, OSError."""
        try:
            there = self.target.look(info.key)
        except ObjectMissingError:
            with tempfile.TemporaryDirectory() as folder, suppress(ObjectMissingError):  # deleted meanwhile
                path = Path(folder) / "object"
                self.source.fetch(info.key, path)
                self._write(info.key, path)
            return
        if (there.size, _bare(there)) != (info.size, _bare(info)) and self._sha256(
            self.source, info.key
        ) != self._sha256(self.target, info.key):
            raise DifferentObjectError(info.key)

    def file(self, key: str, path: Path) -> None:
        """Copy a file that never changes to this key. Raises as `one` does."""
        try:
            self._write(key, path)
        except DifferentObjectError:
            with path.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != self._sha256(self.target, key):
                    raise

    def head(self, key: str, data: bytes) -> None:
        """Copy an object that changes, in a store that does not have it, or has an earlier content. Raises
        DifferentObjectError, ObjectChangedError, OSError."""
        try:
            there = self.target.get(key)
        except ObjectMissingError:
            self.target.put_new(key, data)
            self._say(key)
            return
        if there.data == data:
            return
        if not _precedes(key, there.data, data):
            raise DifferentObjectError(key)
        self.target.swap(key, data, there.etag)
        self._say(key)

    def _write(self, key: str, path: Path) -> None:
        """Write the object and read it again."""
        try:
            self.target.put_new_file(key, path)
        except ObjectExistsError as error:
            raise DifferentObjectError(key) from error
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != self._sha256(self.target, key):
                raise ObjectDamagedError(key, "is not as it was written")
        self._say(key)

    def _content(self, key: str) -> bytes | None:
        with suppress(ObjectMissingError):
            return self.source.get(key).data
        return None

    def _tried(self, act: Callable[..., None], *arguments: Any) -> list[str]:
        try:
            act(*arguments)
        except ObjectsError as error:
            return [str(error)]
        return []

    def _sha256(self, objects: Objects, key: str) -> str:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "object"
            objects.fetch(key, path)
            with files.opened(path) as file:
                digest = hashlib.sha256()
                while piece := file.read(1 << 20):
                    digest.update(piece)
                return digest.hexdigest()


def is_head(key: str) -> bool:
    """Whether the object with this key may change."""
    return key.rpartition("/")[2] in HEADS


def _bare(info: ObjectInfo) -> str:
    return info.etag.strip('"')


def _precedes(key: str, there: bytes, data: bytes) -> bool:
    """Whether the content in the target is one from which the source's has come about."""
    try:
        if key.endswith(f"/{aliases.FILE}"):
            old, new = aliases.parsed(there), aliases.parsed(data)
            return all(new.get(alias, ())[: len(changes)] == changes for alias, changes in old.items())
        return _counter(there) < _counter(data)
    except ValueError:
        return False


def _counter(data: bytes) -> int:
    """How often a head was written."""
    value = json.loads(data)
    found = value.get("counter", value.get("stored", {}).get("counter", 0)) if isinstance(value, dict) else 0
    return found if isinstance(found, int) else 0
