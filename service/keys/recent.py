"""Caches a file's content for a second, for any number of threads; knows nothing of what is in it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from service.keys.errors import KeysNotSeenError, KeysUnavailableError

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0
"""How long a key that was revoked may still be accepted."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Seen(Generic[T]):
    """What a look found: the content, or why there is none."""

    content: T | None
    fault: str = ""


class Recent(Generic[T]):
    """The result of `read`, at most a second old; failure and recovery are logged once.

    One thread reads at a time. Until the first result is there, the others wait for it; afterwards they get the latest
    one, so that a slow disk delays one request.
    """

    def __init__(self, read: Callable[[], T], clock: Callable[[], float] = time.monotonic) -> None:
        self._read = read
        self._clock = clock
        self._lock = threading.Lock()
        self._next_look = float("-inf")
        self._seen: _Seen[T] | None = None

    def get(self) -> T:
        """Raises KeysUnavailableError where `read` did."""
        if self._is_due() and self._lock.acquire(blocking=self._seen is None):
            try:
                if self._is_due():  # not just read by the thread that had the lock
                    self._look()
            finally:
                self._lock.release()
        seen = self._seen
        if seen is None or seen.content is None:
            raise KeysUnavailableError("not read yet" if seen is None else seen.fault)
        return seen.content

    def _is_due(self) -> bool:
        return self._clock() >= self._next_look

    def _look(self) -> None:
        began, earlier = self._clock(), "" if self._seen is None else self._seen.fault
        try:
            seen = _Seen(self._read())
        except KeysUnavailableError as error:
            seen = _Seen(None, str(error))
            if seen.fault != earlier:
                _tell(error)
        if earlier and not seen.fault:
            log.info("keys can be read")
        self._seen = seen
        self._next_look = began + LOOK_SECONDS  # last: before, no thread may rely on the result


def _tell(error: KeysUnavailableError) -> None:
    if isinstance(error, KeysNotSeenError):  # nothing is wrong: it soon will be, or the mirror says why not
        log.info("%s: what it protects is closed until then", error)
    else:
        log.error("%s: what it protects is closed until this is repaired", error)
