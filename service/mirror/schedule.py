"""When each part of the mirror is looked at next: soon after a change, and seldom where nothing changes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

SHORTEST: Final = 3.0
"""Seconds between two looks at what changes, if nothing else is wanted."""
GROWTH: Final = 1.25
"""By how much the interval grows after each look that finds nothing."""
LONGEST_PAUSE: Final = 15.0
"""Seconds between two attempts to reach a store that does not answer."""
HINTED: Final = 1.0
"""Seconds between two looks at what others say has changed, however often they say so."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A part of the mirror, which hints name: `refresh` brings it up to date, and returns whether anything had changed.
    Nothing takes longer than `longest` seconds to be seen, even without hints; while there are changes, it is looked at
    every `shortest` seconds."""

    name: str
    refresh: Callable[[], bool]
    longest: float
    shortest: float = SHORTEST


class Schedule:
    """The looks at one subject."""

    def __init__(self, subject: Subject, clock: Callable[[], float] = time.monotonic) -> None:
        self.subject = subject
        self._clock = clock
        self._interval = subject.shortest
        self._looked = self._due = float("-inf")
        self._failures = 0

    def due_in(self) -> float:
        """Seconds until the next look; none are left if it is not more than 0."""
        return self._due - self._clock()

    def hinted(self) -> None:
        """Another process says that something has changed."""
        self._due = min(self._due, self._looked + HINTED)

    def looked(self, *, changed: bool) -> None:
        """There was a look just now."""
        self._failures = 0
        self._interval = self.subject.shortest if changed else min(self._interval * GROWTH, self.subject.longest)
        self._looked = self._clock()
        self._due = self._looked + self._interval

    def failed(self) -> None:
        """A look has failed, or would: the next one is later and later, whatever is heard meanwhile."""
        seconds = min(SHORTEST * 2**self._failures, LONGEST_PAUSE)
        self._failures += 1
        self._due = self._clock() + seconds
        self._looked = self._due - HINTED
