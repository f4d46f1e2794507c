"""Which jobs in a store have had no head for so long that the process that was creating them must have died; knows no
store."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Final

GRACE_SECONDS: Final = 3600.0
"""By this machine's clock. Between a job's request and its head, its process waits for a single answer of the store."""


class Headless:
    """The jobs without a head, and since when this process has seen each of them so."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since: dict[str, float] = {}

    def due(self, jobs: Collection[str]) -> list[str]:
        """Which of those that have none now had none all the time."""
        now = self._clock()
        self._since = {job: self._since.get(job, now) for job in jobs}
        return [job for job, since in self._since.items() if now - since >= GRACE_SECONDS]
