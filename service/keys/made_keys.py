"""The keys that the service makes by itself at its first start, each in a file of DATA_DIR; knows no HTTP."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from pathlib import Path

from durable import files
from durable.entries import is_there
from durable.space import reason_of
from service.keys.errors import KeysUnavailableError
from service.keys.recent import Recent
from service.settings import LONG_KEY_RULE, fault_of_long_key


class MadeKeys:
    """A file with one key, or with a key in each of up to `most` lines, the newest first; it is created with one at the
    first start, readable only by its owner."""

    def __init__(self, path: Path, most: int = 1, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._most = most
        self._recent = Recent(self.read, clock)

    def make(self) -> None:
        """Create the file if there is none; several processes that start at once get the same key. Raises OSError."""
        if is_there(self._path):
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        files.put_new(self._path, new_key(), mode=0o600)

    def read(self) -> tuple[str, ...]:
        """The keys, at least one. Raises KeysUnavailableError when a line of the file is not a complete key."""
        name = self._path.name
        try:
            lines = files.read(self._path, follow=True).decode("ascii").strip().split("\n")
        except OSError as error:
            raise KeysUnavailableError(f"{name} cannot be read: {reason_of(error)}") from error
        except UnicodeDecodeError as error:
            raise KeysUnavailableError(f"{name} holds no key: it is not ASCII") from error
        keys = tuple(line.strip() for line in lines)
        if len(keys) > self._most or any(map(fault_of_long_key, keys)):
            lines_of = "one line" if self._most == 1 else f"1 to {self._most} lines, each"
            raise KeysUnavailableError(
                f"{name} holds no key: it must be {lines_of} of {LONG_KEY_RULE};"
                " without the file, the next start makes a new one"
            )
        return keys

    def recent(self) -> tuple[str, ...]:
        """The keys, at most a second old."""
        return self._recent.get()


def new_key() -> bytes:
    """The content of a file with a new key."""
    return f"{secrets.token_urlsafe(32)}\n".encode()
