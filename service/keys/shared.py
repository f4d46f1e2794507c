"""Keys that several machines share, with the laws of those of one: the store has them, each machine reads its mirror.

While the store is away a machine goes on with what it has read; one that has never reached it lets no one in.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

from durable import files
from durable.entries import is_there
from durable.objects import Content, ObjectChangedError, ObjectExistsError, Objects
from service.data_dir import DataDir
from service.keys.errors import KeysNotSeenError, KeysUnavailableError
from service.keys.key_file import Key, KeyFile, Role, written
from service.keys.made_keys import MadeKeys, new_key
from service.keys.mirror import KeysMirror, Listed

log = logging.getLogger(__name__)

MARK: Final = "keys-made"
"""An empty object that shows that keys were created, as the markers beside the files do."""
PREFIX: Final = "keys"
"""What the keys of the key file's objects begin with: one list says whether they have changed."""
MADE_SECONDS: Final = 60.0
"""A key that was made changes only by hand."""
ATTEMPTS: Final = 20
"""How often a change is tried again that another machine's was faster than."""

T = TypeVar("T")


class SharedKeyFile(KeyFile):
    """The key file of several machines. Reading asks the store nothing; whatever changes keys raises OSError, too, when
    the store is away. `changed` is called after each change."""

    def __init__(
        self,
        data: DataDir,
        mirror: KeysMirror,
        changed: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(data, clock)
        self._mirror = mirror
        self._objects = mirror.objects
        self._changed = changed
        self._etag = ""

    def add(self, role: Role, name: str) -> str:
        """As for one machine."""
        return self._repeated(lambda: super(SharedKeyFile, self).add(role, name))

    def revoke(self, id: str) -> None:
        """As for one machine."""
        self._repeated(lambda: super(SharedKeyFile, self).revoke(id))

    def open(self) -> Path | None:
        """As for one machine."""
        return self._repeated(super().open)

    def all(self) -> tuple[Key, ...]:
        """As for one machine; raises KeysNotSeenError if this one has never reached the store."""
        if not self._mirror.has_seen(self._path.name):
            raise KeysNotSeenError(f"{self._path.name} has not been read from the store yet")
        return super().all()

    def remember(self) -> None:
        """Nothing: `refresh` makes the markers, in the store as well."""

    def refresh(self, listed: Listed = None) -> bool:
        """Take over what has changed in the store; returns whether anything has. Raises OSError, ObjectsError."""
        return self._repeated(lambda: self._refresh(listed))

    def _refresh(self, listed: Listed) -> bool:
        with super()._changing():
            return self._pull(listed)

    def _pull(self, listed: Listed = None) -> bool:
        name = self._path.name
        found = self._mirror.current(name, listed)
        is_marked = self._mirror.exists(MARK, listed)
        if found is None and (is_marked or self._was_here()):  # it may have been created since the list was made
            found = self._mirror.current(name)
        if found is None:
            return self._without_object(is_marked)
        self._etag = found.etag
        if is_marked or found.data != written(()):
            self._mark_here()  # first: at no moment are there keys here and no marker
            if not is_marked:
                self._objects.put(MARK, b"")
            return self._mirror.keep(name, found)
        is_new = self._mirror.keep(name, found)
        super()._unmark()  # opened
        return is_new

    def _without_object(self, is_marked: bool) -> bool:
        """The store has no key file. Those of a directory that has never had a store are put there; keys that have
        vanished from the store are missed here, and thereby on all other machines."""
        self._etag = ""
        name = self._path.name
        if is_there(self._path) and not is_marked and not self._mirror.has_seen(name):
            data = files.read(self._path, follow=True)
            self._objects.put(MARK, b"")
            self._etag = self._objects.put_new(name, data)
            log.info("%s is put into the store", name)
            return self._mirror.keep(name, Content(data, self._etag))
        if is_marked or self._was_here():
            self._mark_here()
            if not is_marked:
                self._objects.put(MARK, b"")
        return self._mirror.lose(name)

    def _mark_here(self) -> None:
        if not all(map(is_there, self._marks)):
            super()._mark()

    def _was_here(self) -> bool:
        return self._were_made() or is_there(self._path)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        with super()._changing():
            self._pull()
            yield

    def _write(self, keys: tuple[Key, ...]) -> None:
        name, data = self._path.name, written(keys)
        etag = self._objects.swap(name, data, self._etag) if self._etag else self._objects.put_new(name, data)
        self._mirror.keep(name, Content(data, etag))
        self._changed()

    def _mark(self) -> None:
        self._objects.put(MARK, b"")
        super()._mark()

    def _unmark(self) -> None:
        self._objects.delete(MARK)
        super()._unmark()

    def _repeated(self, change: Callable[[], T]) -> T:
        for _ in range(ATTEMPTS - 1):
            try:
                return change()
            except (ObjectChangedError, ObjectExistsError):
                continue
        return change()


class SharedMadeKeys(MadeKeys):
    """Keys that one of several machines has made, the same on all of them."""

    def __init__(
        self, path: Path, mirror: KeysMirror, most: int = 1, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(path, most, clock)
        self._mirror = mirror
        self.name = path.name

    def make(self) -> None:
        """Take them over from the store, or put them there. Raises OSError."""
        self.refresh()

    def read(self) -> tuple[str, ...]:
        """As for one machine; raises KeysNotSeenError if this one has never reached the store."""
        if not self._mirror.has_seen(self.name):
            raise KeysNotSeenError(f"{self.name} has not been read from the store yet")
        return super().read()

    def refresh(self, listed: Listed = None) -> bool:
        """Take over what has changed in the store; returns whether anything has. If it has none, it gets those of this
        directory, or new ones. Raises OSError, ObjectsError."""
        name = self.name
        if (found := self._mirror.current(name, listed)) is None:
            data = self._here()
            try:
                found = Content(data, self._mirror.objects.put_new(name, data))
            except ObjectExistsError:  # another machine was faster
                found = self._mirror.objects.get(name)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        return self._mirror.keep(name, found)

    def _here(self) -> bytes:
        try:
            return "".join(f"{key}\n" for key in super().read()).encode()
        except KeysUnavailableError:
            return new_key()


class SharedKeys:
    """All keys that several machines share."""

    def __init__(
        self,
        file: SharedKeyFile,
        made: Sequence[SharedMadeKeys],
        objects: Objects,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._file, self._made, self._objects, self._clock = file, made, objects, clock
        self._made_next = float("-inf")

    def refresh(self) -> bool:
        """Take over what has changed in the store, at once after a hint and else every few seconds; returns whether
        anything has. That is one request while nothing changes; keys that were made are looked at every MADE_SECONDS.
        Raises OSError, ObjectsError."""
        has_changed = self._file.refresh({each.key: each for each in self._objects.list(PREFIX)})
        if (now := self._clock()) >= self._made_next:
            for each in self._made:
                has_changed |= each.refresh({found.key: found for found in self._objects.list(each.name)})
            self._made_next = now + MADE_SECONDS
        return has_changed
