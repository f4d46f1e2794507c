"""How much of what a service needs: requests a second of a process, latency, memory, workers, requests to the store.

Times are in seconds, memory in bytes. What was measured is given; docs/scaling.md says what that is, and by how much
these formulas were wrong.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from benchmarks.capacity.queueing import SharedQueue, mmc_wait
from benchmarks.capacity.steps import StepTime, products, values
from charrnn.config import GATES, ModelConfig
from service.bootstrap.shared_stores import LONGEST
from service.generation.scheduling.active_batch import QUANTUM_SECONDS

LISTED_AT_ONCE: Final = 1000
"""The most keys in the answer to a LIST, and S3 counts each answer."""
IDLE_SECONDS: Final = tuple(LONGEST.values())
"""Between two looks at a part of the store in which nothing changes."""
FLOAT, CONSTANTS = 4, 12
"""Bytes of a float, and what the sum of a gate's value or a logit comes with: a first sum, a scale and a bias."""


@dataclass(frozen=True, slots=True)
class Process:
    """A web process on a core of its own: `request` seconds of the core for each request, apart from generating, and
    the time of a step; so many sequences at once (`MAX_ACTIVE`), and so many more that wait (`MAX_WAITING`)."""

    step: StepTime
    request: float
    max_active: int = 64
    max_waiting: int = 128

    def ended(self, length: float, there: int) -> float:
        """Requests that end in a second with this many there, of this many tokens each: all the core does is their
        steps, in batches of them, and the rest of each."""
        batch = min(there, self.max_active)
        return 1 / (self.request + length / self.step.rate(batch))

    def capacity(self, length: float) -> float:
        """The most requests a second of this many tokens."""
        return self.ended(length, self.max_active)

    def queue(self, arrivals: float, length: float) -> SharedQueue:
        """Of requests that arrive at random; the turns make all that are there share the core."""
        return SharedQueue(arrivals, lambda there: self.ended(length, there), self.max_active + self.max_waiting)

    def seconds(self, arrivals: float, length: float) -> float:
        """The mean time of a request that is not refused. Besides sharing the core, under load it waits for half a
        quantum before it joins, and for half of one when its last token is there: an approximation."""
        load = min(1.0, arrivals / self.capacity(length))
        return self.queue(arrivals, length).seconds + load * QUANTUM_SECONDS

    def together(self, length: float, clients: int) -> float:
        """Requests a second of clients that ask again as soon as they are answered."""
        return self.ended(length, clients)


def processes_needed(process: Process, requests: float, length: float, load: float) -> int:
    """Web processes for so many requests a second, if each is to be busy for this share of the time."""
    return math.ceil(requests / (load * process.capacity(length)))


def packed_bytes(config: ModelConfig) -> int:
    """An int8 network's, shared by the web processes of a machine: a byte for each weight, constants for each sum, and
    in float32, for each token, what the first layer adds."""
    table = config.vocabulary_size * GATES[config.cell] * config.hidden_size * FLOAT
    return table + products(config) + CONSTANTS * values(config)


def checkpoint_bytes(config: ModelConfig) -> int:
    """A version's, in the store and in each machine's copy: float32, without its vocabulary, record and counts."""
    return FLOAT * sum(math.prod(shape) for shape in config.shapes().values())


def state_bytes(config: ModelConfig) -> int:
    """All that an active or waiting sequence's network remembers, as float32."""
    return FLOAT * math.prod(config.state_shape)


def workers_needed(jobs_an_hour: float, minutes: float, longest_wait: float) -> int:
    """The fewest workers with which a job waits for at most so many minutes on average, if jobs arrive at random and
    all train for as long, as those with a budget in minutes do: an M/D/c queue."""
    arrivals = jobs_an_hour / 60
    workers = math.floor(arrivals * minutes) + 1
    while mmc_wait(workers, arrivals, minutes, variation=0) > longest_wait:
        workers += 1
    return workers


@dataclass(frozen=True, slots=True)
class StoreUse:
    """What causes requests to the store. Each machine lists every part of it (keys, models, corpora, jobs), with `keys`
    objects in each, after so many seconds. Jobs take so many `minutes`, write `writes` times a minute, to renew the
    lease and to keep resume points, and are looked at `looks` times a minute by every machine. Publications write so
    many `objects` each, which every machine fetches."""

    machines: int
    intervals: tuple[float, ...] = IDLE_SECONDS
    keys: int = 1000
    jobs_an_hour: float = 0.0
    minutes: float = 5.0
    writes: float = 80.0
    looks: float = 20.0
    publications_an_hour: float = 0.0
    objects: int = 4

    @property
    def lists_an_hour(self) -> float:
        """LISTs, of which an idle cluster's requests consist."""
        looks = sum(3600 / seconds for seconds in self.intervals)
        return self.machines * looks * max(1, math.ceil(self.keys / LISTED_AT_ONCE))

    @property
    def puts_an_hour(self) -> float:
        """PUTs of workers and of publications."""
        return self.jobs_an_hour * self.minutes * self.writes + self.publications_an_hour * self.objects

    @property
    def gets_an_hour(self) -> float:
        """GETs of what has changed."""
        each = self.jobs_an_hour * self.minutes * self.looks + self.publications_an_hour * self.objects
        return self.machines * each

    def cost(self, lists_and_puts: float, gets: float) -> float:
        """Of 730 hours, a month, at prices for a thousand requests."""
        return 730 / 1000 * (lists_and_puts * (self.lists_an_hour + self.puts_an_hour) + gets * self.gets_an_hour)
