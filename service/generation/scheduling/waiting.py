"""The sequences that wait to become active, in an order that is fair to requests."""

from __future__ import annotations

from collections import deque

from charrnn.engine.base import Engine
from service.generation.scheduling.scheduled import ScheduledSequence

Submitted = tuple[Engine, ScheduledSequence]
"""A sequence, and the version that generates it."""


class Waiting:
    """A queue in which requests take turns: of each, the sequence that has waited longest comes next."""

    def __init__(self) -> None:
        self._of: dict[object, deque[Submitted]] = {}  # by request, in the order of their turns
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def append(self, submitted: Submitted) -> None:
        """Add a sequence behind those of its request."""
        self._of.setdefault(submitted[1].request, deque()).append(submitted)
        self._count += 1

    def popleft(self) -> Submitted:
        """Remove the next sequence. Raises StopIteration if there is none."""
        request = next(iter(self._of))
        mine = self._of.pop(request)
        submitted = mine.popleft()
        if mine:
            self._of[request] = mine
        self._count -= 1
        return submitted

    def others(self, request: object) -> bool:
        """Whether sequences of another request wait."""
        return len(self._of) > (request in self._of)
