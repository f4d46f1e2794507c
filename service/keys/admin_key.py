"""The admin key that the service creates in DATA_DIR/admin-key when none is set; knows no HTTP."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from durable import files
from durable.entries import is_there
from service.keys.errors import KeysUnavailableError
from service.keys.recent import Recent
from service.settings import MAX_KEY

SHORTEST: Final = 32
"""The minimum length in characters. Generated keys are longer: a shorter one was truncated, and could be guessed."""


class AdminKey:
    """The key in a file that is created at the first start, readable only by its owner."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._recent = Recent(self.read, clock)

    def make(self) -> None:
        """Create the key if there is none; several processes that start at once get the same one. Raises OSError."""
        if is_there(self._path):
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        files.put_new(self._path, f"{secrets.token_urlsafe(32)}\n".encode(), mode=0o600)

    def read(self) -> str:
        """The key. Raises KeysUnavailableError when the file has no complete key."""
        name = self._path.name
        try:
            key = files.read(self._path).decode("ascii").strip()
        except OSError as error:
            raise KeysUnavailableError(f"{name} cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise KeysUnavailableError(f"{name} holds no key: it is not ASCII") from error
        if not SHORTEST <= len(key) <= MAX_KEY or not all("!" <= character <= "~" for character in key):
            raise KeysUnavailableError(
                f"{name} holds no key: it must be one line of at least {SHORTEST} visible ASCII characters;"
                " without the file, the next start makes a new one"
            )
        return key

    def recent(self) -> str:
        """The key, at most a second old."""
        return self._recent.get()
