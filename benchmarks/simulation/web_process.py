"""A simulated web process: one core, which does the work of requests and advances a batch, as service/generation/
scheduling does."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import Final

from benchmarks.capacity.sizing import Process
from benchmarks.simulation.events import Events
from benchmarks.simulation.request import Outcome, Request, end
from service.generation.scheduling.active_batch import MAX_STEPS, QUANTUM_SECONDS
from service.generation.scheduling.scheduled import TURN_TOKENS

BEFORE: Final = 0.5
"""The share of a request's own work that is done before its sequence is submitted."""


class WebProcess:
    """Requests come with `submit`. Their own work goes first, in the order of arrival, as that of many threads does
    beside the one that advances the batch; each quantum of the batch is done without interruption."""

    def __init__(self, events: Events, process: Process, ended: Callable[[Request, Outcome], None] = end) -> None:
        self._events, self._process, self._tell = events, process, ended
        self._work: deque[tuple[float, Callable[[Request], None], Request]] = deque()
        self._active: list[Request] = []
        self._waiting: list[tuple[int, int, Request]] = []  # a heap: had, arrival
        self._arrivals = count()
        self._level = 0
        self._busy = self._killed = False
        self.connections = 0
        """Requests that are not answered yet."""
        self.busy_seconds = 0.0

    def submit(self, request: Request) -> None:
        """Answer the request at some time."""
        self.connections += 1
        request.begin()
        self._add_work(BEFORE, self._admit, request)

    def kill(self) -> None:
        """Do nothing more, and answer none of those that are here."""
        self._killed = True

    def _add_work(self, share: float, then: Callable[[Request], None], request: Request) -> None:
        if seconds := share * self._process.request:
            self._work.append((seconds, then, request))
        else:
            then(request)
        if not self._busy:
            self._go_on()

    def _admit(self, request: Request) -> None:
        if len(self._active) + len(self._waiting) >= self._process.max_active + self._process.max_waiting:
            self._answer(request, "refused")
        else:
            self._wait(request)

    def _answer(self, request: Request, outcome: Outcome = "answered") -> None:
        self.connections -= 1
        self._tell(request, outcome)

    def _go_on(self) -> None:
        """Begin what the core does next: a request's work, or a quantum of the batch."""
        self._busy = True
        if self._work:
            seconds, then, request = self._work.popleft()
            self._take(seconds, self._worked, then, request)
        elif self._active or self._waiting:
            self._fill_places()
            self._take(self._advance(), self._stepped)
        else:
            self._busy = False

    def _take(self, seconds: float, then: Callable[..., None], *arguments: object) -> None:
        self.busy_seconds += seconds
        self._events.after(seconds, then, *arguments)

    def _worked(self, then: Callable[[Request], None], request: Request) -> None:
        if not self._killed:
            then(request)
            self._go_on()

    def _stepped(self) -> None:
        if self._killed:
            return
        going = []
        for request in self._active:
            request.first = request.first or self._events.now
            if request.left:
                going.append(request)
            else:
                self._add_work(1 - BEFORE, self._answer, request)
        self._active = going
        self._go_on()

    def _advance(self) -> float:
        """Advance the batch by a quantum; returns the seconds that this takes."""
        step, batch = self._process.step, len(self._active)
        steps = max(1, min(MAX_STEPS, int(QUANTUM_SECONDS / step.seconds(batch))))
        ends = sorted(request.left for request in self._active if request.left < steps)
        seconds, done = 0.0, 0
        for until in [*ends, steps] if len(ends) < batch else ends:
            seconds += (until - done) * step.seconds(batch)
            done, batch = until, batch - 1
        for request in self._active:
            request.left = max(0, request.left - steps)
        return seconds

    def _wait(self, request: Request) -> None:
        heappush(self._waiting, (max(self._level, request.had), next(self._arrivals), request))

    def _fill_places(self) -> None:
        """Those that have had their turn leave the places that others wait for; who waits takes what is free."""
        wanted = len(self._waiting) - (self._process.max_active - len(self._active))
        if wanted > 0:
            staying = []
            for request in self._active:
                if wanted and request.joined_with - request.left >= TURN_TOKENS:
                    wanted -= 1
                    self._wait(request)
                else:
                    staying.append(request)
            self._active = staying
        while self._waiting and len(self._active) < self._process.max_active:
            self._level, _, request = heappop(self._waiting)
            request.had = self._level + min(TURN_TOKENS, request.left)
            request.joined_with = request.left
            self._active.append(request)
