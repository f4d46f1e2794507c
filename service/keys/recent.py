"""Caches a file's content for a second; knows nothing of what is in it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from service.keys.errors import KeysUnavailableError

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0
"""How long a key that was revoked may still be accepted."""

T = TypeVar("T")


class Recent(Generic[T]):
    """The result of `read`, at most a second old; failure and recovery are logged once."""

    def __init__(self, read: Callable[[], T], clock: Callable[[], float] = time.monotonic) -> None:
        self._read = read
        self._clock = clock
        self._next_look = float("-inf")
        self._fault = ""
        self._seen: T | None = None

    def get(self) -> T:
        """Raises KeysUnavailableError where `read` did."""
        if self._clock() >= self._next_look:
            self._next_look = self._clock() + LOOK_SECONDS
            self._look()
        if self._fault or self._seen is None:
            raise KeysUnavailableError(self._fault)
        return self._seen

    def _look(self) -> None:
        fault = ""
        try:
            self._seen = self._read()
        except KeysUnavailableError as error:
            fault = str(error)
        if fault and fault != self._fault:
            log.error("%s: what it protects is closed until this is repaired", fault)
        elif self._fault and not fault:
            log.info("keys can be read again")
        self._fault = fault
