"""The keys created for apps and admins, stored as digests in DATA_DIR/keys.json, and marker files that show that keys
were created; knows no HTTP."""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, TypeAdapter, ValidationError

from durable import files, locks
from durable.clock import now
from durable.entries import is_there, set_aside, sync_folder
from durable.space import reason_of
from service.data_dir import DataDir
from service.keys.errors import KeyNameError, KeyNotFoundError, KeysInUseError, KeysUnavailableError
from service.keys.recent import Recent
from service.keys.secret_file import put_secret

log = logging.getLogger(__name__)

Role = Literal["admin", "app"]

MADE: Final = ".keys-made"
"""An empty marker file that shows that keys were created. One lies beside the keys, one with the models, which the keys
protect and which may be on another volume. If there is a marker but no keys, every request is refused."""
MAX_NAME: Final = 100


@dataclass(frozen=True, slots=True)
class Key:
    """What is stored of a key: enough to recognize it, but not to use it."""

    id: str
    role: Role
    name: str
    created: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    revoked: str | None = None


_KEYS: Final = TypeAdapter(tuple[Key, ...])


class KeyFile:
    """The keys in the one file of a data directory, added and revoked while the service runs.

    Every method that reads raises KeysUnavailableError when the file is unreadable or invalid, or missing although keys
    were created.
    """

    def __init__(self, data: DataDir, clock: Callable[[], float] = time.monotonic) -> None:
        self._data = data
        self._path = data.keys
        self._marks = (data.root / MADE, data.models / MADE)
        self._recent = Recent(self._look, clock)
        self._seen_any = False
        self._unmarked = ""

    def add(self, role: Role, name: str) -> str:
        """Create a key and return it; it cannot be read again later. The file may be missing, but not damaged.

        Raises KeyNameError.
        """
        _check_name(name)
        key = secrets.token_urlsafe(32)
        with self._changing():
            keys = self._read()
            with self._marked():
                self._write((*keys, Key(secrets.token_hex(4), role, name, now(), digest(key))))
        return key

    def all(self) -> tuple[Key, ...]:
        """All keys ever created, the oldest first."""
        keys = self._read()
        if not keys and (self._were_made() or self._has_vanished()):
            raise KeysUnavailableError(f"{self._path.name} has vanished or lost its keys, and keys were made")
        self._seen_any = bool(keys)
        return keys

    def recent(self) -> tuple[Key, ...]:
        """The keys, at most a second old."""
        return self._recent.get()

    def revoke(self, id: str) -> None:
        """Revoke a key; its entry is kept. Raises KeyNotFoundError."""
        with self._changing():
            keys = self.all()
            if not any(key.id == id and key.revoked is None for key in keys):
                raise KeyNotFoundError(f"there is no valid key with the id {id!r}")
            self._write(tuple(replace(key, revoked=now()) if key.id == id else key for key in keys))

    def open(self) -> Path | None:
        """Let apps in without a key again: remove revoked app keys and the markers; admin keys are kept. An invalid
        file is set aside; returns its new path. Raises KeysInUseError."""
        with self._changing():
            aside = None
            try:
                keys = self._read()
            except KeysUnavailableError:
                keys, aside = (), set_aside(self._path)
            if valid := tuple(key.id for key in keys if key.role == "app" and key.revoked is None):
                raise KeysInUseError(valid)
            kept = tuple(key for key in keys if key.role == "admin")
            self._write(kept)
            if not kept:
                self._unmark()
        return aside

    def remember(self) -> None:
        """Create missing markers if keys were created: by an earlier release, before a marker was lost, or before this
        process saw the keys vanish, which the next process could not know. A failure is logged once."""
        if all(map(is_there, self._marks)) or not self._data.root.is_dir():
            return
        with suppress(KeysUnavailableError):
            if not self._read() and not self._has_vanished():
                return
            try:
                with self._changing():
                    if self._read() or self._has_vanished():
                        self._mark()
                failed = ""
            except OSError as error:
                failed = reason_of(error)
            if failed and failed != self._unmarked:
                log.warning("that keys were made could not be noted: %s", failed)
            self._unmarked = failed

    def _look(self) -> tuple[Key, ...]:
        try:
            return self.all()
        finally:
            self.remember()

    def _has_vanished(self) -> bool:
        """Whether the file is gone that this process saw keys in; `open` leaves one without keys."""
        return self._seen_any and not is_there(self._path)

    def _read(self) -> tuple[Key, ...]:
        name = self._path.name
        if not is_there(self._path):
            return ()
        try:
            return _KEYS.validate_json(files.read(self._path, follow=True), strict=True)
        except OSError as error:
            raise KeysUnavailableError(f"{name} cannot be read: {reason_of(error)}") from error
        except ValidationError as error:
            first = error.errors(include_input=False, include_context=False)[0]
            place = "".join(f"[{part}]" for part in first["loc"])
            raise KeysUnavailableError(f"{name}{place} cannot be understood: {first['msg']}") from error

    def _were_made(self) -> bool:
        return any(map(is_there, self._marks))

    def _mark(self) -> None:
        for mark in self._marks:
            mark.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileExistsError):
                mark.touch(exist_ok=False)
            sync_folder(mark.parent)

    @contextmanager
    def _marked(self) -> Iterator[None]:
        """Set the markers before the first keys are written, and remove them if that fails: there are no keys then."""
        were_made = self._were_made()
        try:
            self._mark()
            yield
        except OSError:
            if not were_made:
                self._unmark()
            raise

    def _unmark(self) -> None:
        for mark in self._marks:
            mark.unlink(missing_ok=True)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        self._data.make()
        with locks.locked(self._path.with_name(f".{self._path.name}.lock")):
            yield

    def _write(self, keys: tuple[Key, ...]) -> None:
        put_secret(self._path, written(keys))


def written(keys: tuple[Key, ...]) -> bytes:
    """The content of a file with these keys."""
    return json.dumps([asdict(key) for key in keys], indent=1).encode()


def digest(key: str) -> str:
    """The digest that is stored of a key. Keys are long and random, so that one round of SHA-256 is enough."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def _check_name(name: str) -> None:
    if not name.strip() or len(name) > MAX_NAME or not name.isprintable():
        shown = f"{name[:60]!r} ({len(name)} characters)" if len(name) > 60 else repr(name)
        raise KeyNameError(f"NAME must be 1 to {MAX_NAME} printable characters, not all of them spaces, not {shown}")
