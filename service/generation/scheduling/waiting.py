"""The sequences that wait to become active, in an order that is fair to requests."""

from __future__ import annotations

from collections import deque
from heapq import heappop, heappush
from itertools import count
from weakref import WeakKeyDictionary

from charrnn.engine.base import Engine
from service.generation.scheduling.scheduled import ScheduledSequence

Submitted = tuple[Engine, ScheduledSequence]
"""A sequence, and the version that generates it."""


class Waiting:
    """A queue in which requests take turns: next comes the sequence that has waited longest of the request that has had
    the fewest tokens. A newcomer starts level with the request whose turn was last, so that it neither waits for what
    others have had before, nor catches up with them.

    P. Goyal, H. M. Vin and H. Cheng, Start-time fair queueing, SIGCOMM 1996; all requests weigh the same.
    """

    def __init__(self) -> None:
        self._of: dict[object, deque[Submitted]] = {}  # by request
        self._turns: list[tuple[int, int, object]] = []  # a heap of what each of these has had, and the request
        self._had: WeakKeyDictionary[object, int] = WeakKeyDictionary()
        self._level = 0
        self._arrivals = count()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def append(self, submitted: Submitted) -> None:
        """Add a sequence behind those of its request."""
        request = submitted[1].request
        if request not in self._of:
            self._of[request] = deque()
            self._take_turn(request, max(self._level, self._had.get(request, 0)))
        self._of[request].append(submitted)
        self._count += 1

    def popleft(self) -> Submitted:
        """Remove the next sequence. Raises IndexError if there is none."""
        self._level, _, request = heappop(self._turns)
        submitted = self._of[request].popleft()
        self._had[request] = self._level + submitted[1].turn
        if self._of[request]:
            self._take_turn(request, self._had[request])
        else:
            del self._of[request]
        self._count -= 1
        return submitted

    def others(self, request: object) -> bool:
        """Whether sequences of another request wait."""
        return len(self._of) > (request in self._of)

    def _take_turn(self, request: object, had: int) -> None:
        heappush(self._turns, (had, next(self._arrivals), request))
