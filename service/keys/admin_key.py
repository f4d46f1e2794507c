"""The admin's key that the service makes for itself when none is set, in DATA_DIR/admin-key; knows no HTTP."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from durable import files
from durable.names import is_there
from service.keys.errors import KeysUnavailableError
from service.keys.recent import Recent
from service.settings import MAX_KEY

SHORTEST: Final = 32
"""Characters. The service's own key has more: what is shorter was cut, and could be guessed."""


class AdminKey:
    """The key in a file, which is made at the first start, readable by its owner alone."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._recent = Recent(self.read, clock)

    def make(self) -> None:
        """Make the key if there is none; of several processes at their first start all read the same one. Raises
        OSError."""
        if is_there(self._path):
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        files.put_new(self._path, f"{secrets.token_urlsafe(32)}\n".encode(), mode=0o600)

    def read(self) -> str:
        """The key. Raises KeysUnavailableError when the file has none, or only a part of one."""
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
        """The key as it stood within the last second."""
        return self._recent.get()
