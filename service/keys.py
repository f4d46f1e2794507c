"""Keys that this service made for others, kept as digests in DATA_DIR/keys.json; knows no HTTP."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final, Literal

from model_store import files
from model_store.aliases import now

Role = Literal["app", "admin"]

LOOK_SECONDS: Final = 1.0
"""How long a key that was revoked may still open a door."""


class KeyNotFoundError(Exception):
    """There is no key with this id."""


@dataclass(frozen=True, slots=True)
class Key:
    """What is kept of a key: enough to know it again, not to use it."""

    id: str
    role: Role
    name: str
    created: str
    sha256: str
    revoked: str | None = None


class KeyFile:
    """The keys in one file, added and revoked while the service runs."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._next_look = float("-inf")
        self._seen: tuple[Key, ...] = ()

    def add(self, role: Role, name: str) -> str:
        """Make a key and return it: this is the one time that it can be read."""
        key = secrets.token_urlsafe(32)
        with self._changing():
            self._write((*self.all(), Key(secrets.token_hex(4), role, name, now(), digest(key))))
        return key

    def all(self) -> tuple[Key, ...]:
        """The keys that were ever made, the oldest first."""
        try:
            return tuple(Key(**each) for each in json.loads(self._path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return ()

    def revoke(self, id: str) -> None:
        """Take a key back; that it was there is kept. Raises KeyNotFoundError."""
        with self._changing():
            keys = self.all()
            if not any(key.id == id and key.revoked is None for key in keys):
                raise KeyNotFoundError(f"there is no valid key with the id {id!r}")
            self._write(tuple(replace(key, revoked=now()) if key.id == id else key for key in keys))

    def recent(self) -> tuple[Key, ...]:
        """The keys as they stood within the last second."""
        if self._clock() >= self._next_look:
            self._next_look = self._clock() + LOOK_SECONDS
            self._seen = self.all()
        return self._seen

    @contextmanager
    def _changing(self) -> Iterator[None]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with files.locked(self._path.with_name(f".{self._path.name}.lock")):
            yield

    def _write(self, keys: tuple[Key, ...]) -> None:
        files.replace(self._path, json.dumps([asdict(key) for key in keys], indent=1).encode())


def digest(key: str) -> str:
    """What is kept of a key. Keys are long and random, so that one round of SHA-256 is enough."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()
