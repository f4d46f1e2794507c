"""One model's folder as a mirror of its objects in a store that several machines share: takes over what is new there,
and fetches weights. Of several processes, any may be killed anywhere: what is in the folder is whole, and was in the
store."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from durable import files, locks
from durable.clock import iso
from durable.drafts import Draft
from durable.entries import drop, is_there, keep_copy
from durable.objects import (
    Content,
    ObjectDamagedError,
    ObjectExistsError,
    ObjectInfo,
    ObjectMissingError,
    Objects,
    StoreUnavailableError,
)
from model_store import aliases, etags, placeholders, sidecars, versions
from model_store.store import FOLDER

log = logging.getLogger(__name__)

PUBLISHED: Final = "published"
"""The kind of a sidecar that only the store has: when the version was published. In the mirror, this is the file's
time."""

LOCK_SECONDS: Final = 15.0
"""How long a model's lock is waited for: its holder may be waiting for the store, ten seconds for each call."""

LATELY_SECONDS: Final = 60

FETCHING: Final = ".fetching"
"""The lock of the one process that fetches a model's weights."""

FIRST_BYTES: Final = 64 << 10
LARGEST_HEADER: Final = 32 << 20
"""In bytes, of a version's header: what is read at first, and at most."""


@dataclass(frozen=True, slots=True)
class ModelMirror:
    """The folder of a model, and the store with its objects.

    Methods raise StoreUnavailableError, which says nothing of what was done, and OSError when the disk fails.
    """

    folder: Path
    objects: Objects

    def key(self, file: str) -> str:
        """The key of the object that this file mirrors."""
        return f"{FOLDER}/{self.folder.name}/{file}"

    def version(self, number: int) -> Path:
        """The version's file."""
        return self.folder / f"{number}{versions.SUFFIX}"

    @contextmanager
    def locked(self, timeout: float | None = None) -> Iterator[None]:
        """Hold the model's lock in this machine. Raises StoreUnavailableError if it is not free in time."""
        with ExitStack() as stack:
            try:
                stack.enter_context(locks.locked(self.folder / versions.LOCK, timeout or LOCK_SECONDS))
            except TimeoutError as error:
                raise StoreUnavailableError(f"model {self.folder.name} is being changed: {error}") from error
            yield

    def etags(self) -> dict[str, str]:
        """The noted e-tags of the files that are there."""
        return {name: etag for name, etag in etags.noted(self.folder).items() if is_there(self.folder / name)}

    def has(self, number: int) -> bool:
        """Whether the version's file is here, with its weights."""
        return is_there(self.version(number)) and not placeholders.is_marked(self.folder, number)

    def used(self, number: int) -> None:
        """Note that the version's weights are used, if that was not noted lately."""
        with suppress(OSError):
            stat = (path := self.version(number)).lstat()
            if time.time_ns() - stat.st_atime_ns > LATELY_SECONDS * 1_000_000_000:
                os.utime(path, ns=(time.time_ns(), stat.st_mtime_ns), follow_symlinks=False)

    def look(self, file: str) -> ObjectInfo | None:
        """What the store knows of this object; None if it has none."""
        with suppress(ObjectMissingError):
            return self.objects.look(self.key(file))
        return None

    def get(self, file: str) -> Content | None:
        """The object's content, empty if it is damaged, which its reader will say then; None if there is none."""
        with suppress(ObjectMissingError):
            try:
                return self.objects.get(self.key(file))
            except ObjectDamagedError as error:
                log.warning("%s", error)
                return Content(b"", self.objects.look(self.key(file)).etag)
        return None

    def write_aliases(self, histories: aliases.Histories, etag: str | None) -> None:
        """Write the aliases to the store, if it has those with this e-tag (None: none), then to the folder; the caller
        holds the lock. Raises ObjectChangedError, ObjectExistsError."""
        data, key = aliases.encoded(histories), self.key(aliases.FILE)
        new = self.objects.put_new(key, data) if etag is None else self.objects.swap(key, data, etag)
        self.keep(aliases.FILE, Content(data, new))

    def keep(self, file: str, content: Content) -> None:
        """Write a small file as the store has it; the caller holds the lock."""
        files.put(self.folder / file, content.data)
        etags.note(self.folder, {file: content.etag})

    def say_published(self, number: int, moment: float) -> int:
        """Say in the store that a version was published at this moment, in seconds since 1970, unless it says another
        one; returns what it says, in nanoseconds."""
        with suppress(ObjectExistsError):
            self.objects.put_new(self.key(_time_file(number)), sidecars.encoded({"time": iso(moment)}))
            return _nanoseconds(iso(moment))
        return self.published(number, moment)

    def published(self, number: int, moment: float) -> int:
        """When the store says that the version was published; where it does not, this moment is said."""
        try:
            return _nanoseconds(json.loads(self.objects.get(self.key(_time_file(number))).data)["time"])
        except ObjectMissingError:
            return self.say_published(number, moment)
        except (ObjectDamagedError, ValueError, KeyError, TypeError) as error:
            log.warning("model %s: %s cannot be read: %s", self.folder.name, _time_file(number), error)
            return _nanoseconds(iso(moment))

    def take(self, file: str) -> None:
        """Take over a small file, or remove it if the store no longer has it. It is read under the lock, so that an
        older content never replaces a newer one."""
        with self.locked():
            if content := self.get(file):
                self.keep(file, content)
            else:
                self.forget(file)

    def forget(self, file: str) -> None:
        """Remove a file that is not in the store; the caller holds the lock."""
        drop(self.folder / file)
        etags.note(self.folder, {file: None})

    def take_version(self, number: int, info: ObjectInfo) -> bool:
        """Take over a version: its header, unless all of it is here already. Returns whether the folder has changed.
        Raises ObjectMissingError."""
        path = self.version(number)
        header, published = self._header(info), self.published(number, _time(path))
        with self.locked():
            if is_there(path.with_suffix(versions.DELETED)):
                return False
            is_whole, known = self.has(number), self.etags().get(path.name)
            if known == info.etag:  # another process has taken it over, or has just published it
                return False
            if is_whole and known is None and _is(path, header, info.size):
                os.utime(path, ns=(path.stat().st_atime_ns, published))
                etags.note(self.folder, {path.name: info.etag})
                return False
            if is_whole:
                log.error("version %d of %s in the store is not the one that is here", number, self.folder.name)
                keep_copy(path)
            placeholders.put(self.folder, number, header, info.size, published)
            etags.note(self.folder, {path.name: info.etag})
        if is_whole:
            with suppress(ObjectMissingError, ObjectDamagedError):
                self.bring(number)  # so that what is wrong with it is found
        return True

    def put_version(self, number: int, draft: Draft, etag: str) -> None:
        """Give a draft that was published in the store as this version just now its name here. The store also gets
        the time; if it is away, from another machine."""
        moment, path = time.time(), self.version(number)
        published = _nanoseconds(iso(moment))
        with suppress(StoreUnavailableError):
            published = self.say_published(number, moment)
        with self.locked():
            versions.tidy(self.folder)
            sidecars.tidy(self.folder, versions.numbers(self.folder))
            versions.seal(draft.file.fileno(), published)
            draft.put(path)
            placeholders.unmark(self.folder, number)
            etags.note(self.folder, {path.name: etag})

    def bring(self, number: int) -> None:
        """Fetch a version's weights, if they are not here. Raises ObjectMissingError, ObjectDamagedError."""
        if not placeholders.is_marked(self.folder, number):
            return
        with locks.locked(self.folder / FETCHING):
            if not placeholders.is_marked(self.folder, number):
                return
            fetched = self.folder / f".{number}.fetched"
            try:
                info = self.objects.fetch(self.key(self.version(number).name), fetched)
                with self.locked():
                    placeholders.fill(self.folder, number, fetched)
                    etags.note(self.folder, {self.version(number).name: info.etag})
            finally:
                drop(fetched)

    def let_go(self, number: int) -> None:
        """Replace a version by a placeholder; it is fetched again when it is asked for."""
        path = self.version(number)
        with self.locked(), suppress(FileNotFoundError):
            stat = path.stat()
            with files.opened(path) as file:
                header = _header(file.read(FIRST_BYTES), file.read)
            placeholders.put(self.folder, number, header, stat.st_size, stat.st_mtime_ns)

    def delete(self, number: int) -> None:
        """Complete the deletion of a version that the aliases say is deleted: the number stays taken in the store from
        the first step on. The caller holds the lock."""
        with suppress(ObjectExistsError):
            self.objects.put_new(self.key(f"{number}{versions.DELETED}"), b"")
        self.objects.delete(self.key(self.version(number).name))
        for info in self.objects.list(self.key(f"{number}.")):
            if is_leftover(info.key.rpartition("/")[2]):
                self.objects.delete(info.key)
        self.bury(number)

    def bury(self, number: int) -> None:
        """Delete a version here that was deleted in the store; the caller holds the lock."""
        tombstone = self.folder / f"{number}{versions.DELETED}"
        with suppress(FileNotFoundError):
            versions.remove(self.folder, number)
        if not is_there(tombstone):
            files.put(tombstone, b"")
            published = self.published(number, time.time())
            os.utime(tombstone, ns=(published, published))
        placeholders.unmark(self.folder, number)
        sidecars.tidy(self.folder, versions.numbers(self.folder))
        gone = [name for name in etags.noted(self.folder) if name.startswith(f"{number}.")]
        etags.note(self.folder, dict.fromkeys(gone))

    def _header(self, info: ObjectInfo) -> bytes:
        first = self.objects.get_range(info.key, 0, min(info.size, FIRST_BYTES))
        return _header(first, lambda size: self.objects.get_range(info.key, len(first), len(first) + size))


def is_leftover(file: str) -> bool:
    """Whether an object with a deleted version's number is to be deleted with it: not the tombstone, nor the time."""
    return not file.endswith((versions.DELETED, f".{PUBLISHED}.json"))


def _header(first: bytes, more: Callable[[int], bytes]) -> bytes:
    """The header of a safetensors file, which begins with its size, 8 bytes, little-endian; of what is none the first
    bytes."""
    size = 8 + int.from_bytes(first[:8], "little")
    if size <= len(first) or size > LARGEST_HEADER:
        return first[:size]
    return first + more(size - len(first))


def _is(path: Path, header: bytes, size: int) -> bool:
    """Whether the file is as the object: it has the same size, and the same header, in which its digest is."""
    with suppress(OSError), files.opened(path) as file:
        return os.fstat(file.fileno()).st_size == size and file.read(len(header)) == header
    return False


def _time_file(number: int) -> str:
    return f"{number}.{PUBLISHED}.json"


def _nanoseconds(said: str) -> int:
    """A time as `durable.clock` writes it, in nanoseconds since 1970, the same on all machines."""
    return round(datetime.fromisoformat(said).timestamp() * 1000) * 1_000_000


def _time(path: Path) -> float:
    with suppress(OSError):
        return path.lstat().st_mtime
    return time.time()
