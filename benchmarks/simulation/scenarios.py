"""What happens to replicas: a steady load, one that fails, all replaced one by one; and clients of one replica."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from benchmarks.capacity.sizing import Process
from benchmarks.simulation.cluster import Cluster, Policy, Shape
from benchmarks.simulation.events import Events
from benchmarks.simulation.load import Arrivals, Clients, Lengths, Record, quantile
from benchmarks.simulation.web_process import WebProcess

SETTLING: Final = 0.1
"""The share of a simulation in which nothing is counted."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Of the requests that arrived in a time: how many there were, p50, p99 and the longest time of those answered, p99
    until the first tokens, and the shares of those refused with 429 and of those that failed."""

    requests: int
    p50: float
    p99: float
    longest: float
    first_p99: float
    refused: float
    failed: float

    @classmethod
    def of(cls, record: Record) -> Figures:
        answered = [each for each in record.ended if each.outcome == "answered"]
        seconds = sorted(each.seconds for each in answered)
        firsts = sorted(each.first for each in answered)
        times = (quantile(seconds, 0.5), quantile(seconds, 0.99), quantile(seconds, 1), quantile(firsts, 0.99))
        return cls(len(record.ended), *times, record.share("refused"), record.share("failed"))


@dataclass(frozen=True, slots=True)
class Scenario:
    """Replicas, and requests that arrive at random: `load` is their rate, by what all replicas can do."""

    shape: Shape
    replicas: int
    load: float
    lengths: Lengths
    policy: Policy = "least_connections"
    seconds: float = 20.0
    seed: int = 0
    look: float = 10.0
    """Seconds until a replica that has failed gets no more requests."""

    @property
    def arrivals(self) -> float:
        """Requests a second."""
        return self.load * self.replicas * self.shape.cores * self.shape.process.capacity(self.lengths.mean)

    def run(self, happens: Callable[[Cluster], None] | None = None) -> Record:
        """All requests. After a quarter of the time something happens."""
        events = Events()
        cluster = Cluster(events, self.shape, self.replicas, self.policy, self.look)
        arrivals = Arrivals(events, cluster.submit, self.arrivals, self.lengths, self.seed)
        arrivals.begin(self.seconds)
        if happens is not None:
            events.after(self.seconds / 4, happens, cluster)
        events.run()
        return arrivals.record

    def steady(self) -> Figures:
        """Nothing happens."""
        return Figures.of(self.run().between(SETTLING * self.seconds, self.seconds))

    def after(self, happens: Callable[[Cluster], None]) -> Figures:
        """Of the requests that arrived after something had happened, or one moment before."""
        return Figures.of(self.run(happens).between(self.seconds / 4 - 1, self.seconds))


def closed(process: Process, cores: int, clients: int, length: int, seconds: float = 5.0) -> tuple[float, Figures]:
    """Requests a second, and the rest, of clients of one replica that ask again as soon as they are answered."""
    events = Events()
    processes = [WebProcess(events, process) for _ in range(cores)]
    asking = Clients(events, [each.submit for each in processes], clients, length)
    asking.begin(seconds)
    events.run()
    record = asking.record.between(SETTLING * seconds, seconds)
    return len(record.ended) / (seconds - SETTLING * seconds), Figures.of(record)
