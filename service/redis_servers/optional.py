"""Optional uses of Redis: when it fails, they are skipped, and the failure is logged."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final, TypeVar

from service.redis_servers.faults import in_words

log = logging.getLogger(__name__)

PAUSE_SECONDS: Final = 2.0
"""After a failure Redis is not used for this long, so that requests do not wait for a server that is down."""

T = TypeVar("T")


class OptionalRedis:
    """Uses of Redis for one purpose, which the log names; `errors` are what they raise when Redis fails."""

    def __init__(
        self,
        purpose: str,
        without: str,
        errors: tuple[type[Exception], ...],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._purpose, self._without, self._errors = purpose, without, errors
        self._clock = clock
        self._paused_until = float("-inf")
        self._latest = ""

    def fault(self) -> str:
        """What has been wrong with Redis within the last seconds, in words; empty: nothing."""
        return "" if self.available() else self._latest

    def available(self) -> bool:
        """Whether Redis is used: the latest use succeeded, or failed more than PAUSE_SECONDS ago."""
        return self._clock() >= self._paused_until

    def attempt(self, use: Callable[[], T]) -> T | None:
        """What `use` returns; None when it fails, or when Redis is not used after a failure."""
        if not self.available():
            return None
        try:
            return use()
        except self._errors as error:
            self._paused_until = self._clock() + PAUSE_SECONDS
            self._latest = in_words(error)
            log.warning("%s: %s (%s); %s", self._purpose, self._latest, type(error).__name__, self._without)
            return None
