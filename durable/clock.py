"""The time as it is written into files and shown to people: UTC, ISO 8601, to the millisecond.

Durations are measured with `time.monotonic`, never with this: the clock of a machine may be set back.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime


def now() -> str:
    """The present, as in 2026-03-01T12:30:00.250Z."""
    return iso(time.time())


def iso(seconds: float) -> str:
    """A moment given in seconds since 1970, as the times of files are."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
