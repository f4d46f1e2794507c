"""Optional uses of Redis: when it fails, they are skipped, and the failure is logged."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final, TypeVar

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
            log.warning("%s: Redis is not available (%s); %s", self._purpose, type(error).__name__, self._without)
            return None
