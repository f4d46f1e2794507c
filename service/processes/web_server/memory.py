"""The memory of the process: how much is resident, and giving back what is free."""

from __future__ import annotations

import ctypes
import math
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

GROWN_BYTES: Final = 1 << 23
"""From this growth on, looking for free memory is worth some milliseconds."""

LOOK_SECONDS: Final = 10.0
LONGEST_SECONDS: Final = 320.0
"""How long to wait after a look, and after several that found nothing to give back."""

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
    """Gives memory back from time to time while the process has more than at its start: soon again if that helped or
    there is more than before, and later and later if all of it was in use."""

    def __init__(
        self,
        resident: Callable[[], int] = resident_bytes,
        give_back: Callable[[], None] = give_back,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._resident, self._give_back, self._clock = resident, give_back, clock
        self._least = self._left = resident()
        self._pause, self._looked = LOOK_SECONDS, -math.inf

    def look(self) -> None:
        """Called about every second."""
        now, before = self._clock(), self._resident()
        has_grown = before - self._left > GROWN_BYTES
        pause = LOOK_SECONDS if has_grown else self._pause
        if before - self._least <= GROWN_BYTES or now - self._looked < pause:
            return
        self._give_back()
        self._left, self._looked = self._resident(), now
        helped = has_grown or before - self._left > GROWN_BYTES
        self._pause = LOOK_SECONDS if helped else min(2 * pause, LONGEST_SECONDS)
