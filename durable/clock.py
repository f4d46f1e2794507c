"""The time as it is written into files and logs and shown to people: UTC, ISO 8601, to the millisecond.

Durations are measured with `time.monotonic`, never with this: the clock of a machine may be set back.
"""

from __future__ import annotations

import time
from functools import lru_cache


def now() -> str:
    """The present, as in 2026-03-01T12:30:00.250Z."""
    return iso(time.time())


def iso(seconds: float) -> str:
    """A moment given in seconds since 1970, as the times of files are."""
    second, microsecond = divmod(round(seconds * 1e6), 1_000_000)
    return f"{_written(second)}.{microsecond // 1000:03d}Z"


@lru_cache(maxsize=16)
def _written(second: int) -> str:
    """Kept, since a busy second is written into every line of a log."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
