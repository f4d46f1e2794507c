"""Waiting for what other threads and processes do: as long as they may need on a busy machine, but never for ever."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from typing import Final

LONGEST: Final = 60.0
"""Seconds after which a test gives up, where something would else be waited for without end."""
LONGEST_PAUSE: Final = 0.05


def until(holds: Callable[[], object], seconds: float = LONGEST) -> float:
    """Wait until it holds; returns how many seconds that took. Raises AssertionError, which says what was waited for,
    if it does not hold within `seconds`."""
    began = time.monotonic()
    while not holds():
        waited = time.monotonic() - began
        assert waited < seconds, f"waited for {waited:.1f} s in vain: {_source(holds)}"
        time.sleep(min(LONGEST_PAUSE, 0.001 + waited / 10))
    return time.monotonic() - began


def _source(holds: Callable[[], object]) -> str:
    """The lines that define it."""
    try:
        return inspect.getsource(holds).strip()
    except (OSError, TypeError):  # it is not Python
        return repr(holds)
