"""The errors of keys; knows no HTTP."""

from __future__ import annotations


class KeysUnavailableError(Exception):
    """Keys that should exist cannot be read; the message names the file and says what is wrong with it."""


class KeysNotSeenError(KeysUnavailableError):
    """This machine has not read the keys from the store yet, as each does at its start."""


class KeyNotFoundError(Exception):
    """There is no key with this id."""


class KeyNameError(ValueError):
    """An invalid name for a key; the message says why."""


class KeysInUseError(Exception):
    """Apps cannot be let in without a key while the keys with these `ids` are valid."""

    def __init__(self, ids: tuple[str, ...]) -> None:
        self.ids = ids
        super().__init__(f"keys for apps are valid: {', '.join(ids)}; revoke them first (keys revoke ID)")
