"""Waiting for what other threads and processes do: as long as they may need on a busy machine, but never for ever."""

from __future__ import annotations

import inspect
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

LONGEST: Final = 120.0
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


def gone(pid: int) -> bool:
    """Whether there is no such process, or only what is left of it until its parent looks at it."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    state = Path(f"/proc/{pid}/stat")
    return state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z"


def _source(holds: Callable[[], object]) -> str:
    """The lines that define it."""
    try:
        return inspect.getsource(holds).strip()
    except (OSError, TypeError):  # it is not Python
        return repr(holds)
