"""The memory of the process: how much is resident, and giving back what is free."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

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
