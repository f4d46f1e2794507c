"""The memory of the process: how much is resident, and giving back what is free."""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

GROWN_BYTES: Final = 1 << 23
"""From this growth on, looking for free memory is worth some milliseconds."""

LOOK_SECONDS: Final = 10.0

_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_STATM: Final = Path("/proc/self/statm")


def resident_bytes() -> int:
    """The resident memory of this process; 0 where the system does not say it."""
    try:
        return int(_STATM.read_bytes().split()[1]) * _PAGE
    except OSError:
        return 0


def give_back() -> None:
    """Give memory back to the system that is free but kept by the C library, which otherwise keeps nearly all that
    large replies took; other threads go on meanwhile. Does nothing where the library has no such call."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


class FreeMemory:
    """Gives memory back from time to time, when the process has grown since it did so last."""

    def __init__(
        self,
        resident: Callable[[], int] = resident_bytes,
        give_back: Callable[[], None] = give_back,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._resident, self._give_back, self._clock = resident, give_back, clock
        self._least, self._next = resident(), 0.0

    def look(self) -> None:
        """Called about every second."""
        if (now := self._clock()) < self._next:
            return
        self._next = now + LOOK_SECONDS
        if self._resident() - self._least > GROWN_BYTES:
            self._give_back()
            self._least = self._resident()
