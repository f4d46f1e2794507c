"""Timestamps for files, logs and users: UTC, ISO 8601, with milliseconds.

Durations are measured with `time.monotonic` instead, because this clock may be set back.
"""

from __future__ import annotations

import time
from functools import lru_cache


def now() -> str:
    """The current time, such as 2026-03-01T12:30:00.250Z."""
    return iso(time.time())


def iso(seconds: float) -> str:
    """A time given in seconds since 1970, like a file's modification time."""
    second, microsecond = divmod(round(seconds * 1e6), 1_000_000)
    return f"{_written(second)}.{microsecond // 1000:03d}Z"


@lru_cache(maxsize=16)
def _written(second: int) -> str:
    """Cached, because many lines of a log may be written in the same second."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
