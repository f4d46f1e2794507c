"""Simulated clients, and how their requests ended."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from benchmarks.simulation.events import Events
from benchmarks.simulation.request import Outcome, Request

Submit = Callable[[Request], None]


@dataclass(frozen=True, slots=True)
class Lengths:
    """Of texts, in tokens: all the same, or distributed exponentially around a mean."""

    mean: int
    kind: Literal["constant", "exponential"] = "constant"

    def draw(self, numbers: random.Random) -> int:
        return self.mean if self.kind == "constant" else max(1, round(numbers.expovariate(1 / self.mean)))


@dataclass(frozen=True, slots=True)
class Ended:
    """A request: when it arrived, how long it took, and until its first tokens."""

    arrived: float
    seconds: float
    first: float
    outcome: Outcome


@dataclass(slots=True)
class Record:
    """All requests that have ended."""

    ended: list[Ended] = field(default_factory=list)

    def add(self, request: Request, outcome: Outcome, now: float) -> None:
        self.ended.append(Ended(request.arrived, now - request.arrived, request.first - request.arrived, outcome))

    def between(self, start: float, end: float) -> Record:
        """Those that arrived within a time."""
        return Record([each for each in self.ended if start <= each.arrived < end])

    def share(self, outcome: Outcome) -> float:
        return sum(each.outcome == outcome for each in self.ended) / max(1, len(self.ended))

    @property
    def seconds(self) -> list[float]:
        """Of those that were answered, in ascending order."""
        return sorted(each.seconds for each in self.ended if each.outcome == "answered")


def quantile(ascending: Sequence[float], part: float) -> float:
    """The smallest number that this part of them does not exceed; 0 of none."""
    return ascending[min(len(ascending) - 1, int(part * len(ascending)))] if ascending else 0.0


class Arrivals:
    """Requests that come at random, `rate` a second, whatever becomes of the others: a Poisson process."""

    def __init__(self, events: Events, submit: Submit, rate: float, lengths: Lengths, seed: int) -> None:
        self._events, self._submit, self._rate, self._lengths = events, submit, rate, lengths
        self._numbers = random.Random(seed)
        self.record = Record()

    def begin(self, until: float) -> None:
        """Let them come until then."""
        gap = self._numbers.expovariate(self._rate)
        if self._events.now + gap < until:
            self._events.after(gap, self._arrive, until)

    def _arrive(self, until: float) -> None:
        self.begin(until)
        self._submit(Request(self._lengths.draw(self._numbers), self._events.now, self._end))

    def _end(self, request: Request, outcome: Outcome) -> None:
        self.record.add(request, outcome, self._events.now)


class Clients:
    """Clients that ask again as soon as they are answered, each over a connection that it keeps to one process."""

    def __init__(self, events: Events, submits: Sequence[Submit], clients: int, length: int) -> None:
        self._events, self._submits, self._clients, self._length = events, submits, clients, length
        self.record = Record()

    def begin(self, until: float) -> None:
        """Let them ask until then, from moments that are a little apart."""
        for number in range(self._clients):
            self._events.after(number * 1e-4, self._ask, self._submits[number % len(self._submits)], until)

    def _ask(self, submit: Submit, until: float) -> None:
        if self._events.now < until:

            def end(request: Request, outcome: Outcome) -> None:
                self.record.add(request, outcome, self._events.now)
                self._ask(submit, until)

            submit(Request(self._length, self._events.now, end))
