"""Queues of which exact formulas are known: one server, several, and a batch that shares a core among its sequences.

Rates are per second, times in seconds. L. Kleinrock, Queueing Systems I, Wiley 1975, has all of them but the last.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate


def mm1_seconds(arrivals: float, service: float) -> float:
    """The mean time in an M/M/1 queue, and in one that shares its server (M/G/1-PS), waiting included."""
    return 1 / (service - check_stable(arrivals, service))


def md1_seconds(arrivals: float, service: float) -> float:
    """The mean time in an M/D/1 queue: Pollaczek's and Khinchin's formula for customers that are all alike."""
    load = check_stable(arrivals, service) / service
    return (1 + load / (2 * (1 - load))) / service


def mm1k_refused(arrivals: float, service: float, places: int) -> float:
    """The share of customers that find all places of an M/M/1/K queue taken, the one at the server included."""
    load = arrivals / service
    weights = list(accumulate([load] * places, lambda weight, each: weight * each, initial=1.0))
    return weights[-1] / sum(weights)


def erlang_b(servers: int, offered: float) -> float:
    """The share of calls that find all servers busy (M/G/c/c); `offered` is arrivals times seconds of service."""
    refused = 1.0
    for count in range(1, servers + 1):
        refused = offered * refused / (count + offered * refused)
    return refused


def erlang_c(servers: int, offered: float) -> float:
    """The share of customers that wait in an M/M/c queue."""
    check_stable(offered, servers)
    lost = erlang_b(servers, offered)
    return lost / (1 - offered / servers * (1 - lost))


def mmc_wait(servers: int, arrivals: float, seconds: float, variation: float = 1) -> float:
    """The mean wait in an M/G/c queue. `variation`: of the time of service, its variance by the square of its mean: 1
    if it is exponential, where this is exact, 0 if constant. A. O. Allen, Probability, Statistics and Queueing Theory,
    Academic Press 1978."""
    offered = arrivals * seconds
    return erlang_c(servers, offered) * seconds / (servers - offered) * (1 + variation) / 2


def check_stable(offered: float, capacity: float) -> float:
    """What is offered. Raises ValueError if it is as much as can be done, or more: the queue would grow for ever."""
    if not 0 <= offered < capacity:
        raise ValueError(f"the load must be at least 0 and below {capacity:g}, not {offered:g}")
    return offered


@dataclass(frozen=True, slots=True)
class SharedQueue:
    """Customers who arrive at random and share what is done: with n of them there, `rate(n)` end in a second. At most
    `places` are there, others are refused.

    A birth-death process: p(n) is in proportion to the product of arrivals / rate(k) for k = 1..n. If each gets the
    same share, this holds for any distribution of the work, of which only the mean counts, and the mean time of a
    customer is in proportion to its own work: J. W. Cohen, The multiple phase service network with generalized
    processor sharing, Acta Informatica 12, 1979.
    """

    arrivals: float
    rate: Callable[[int], float]
    places: int

    def shares(self) -> list[float]:
        """Of the time, with 0, 1, ..., `places` customers there."""
        logs = list(accumulate(self._logs(), initial=0.0))  # of products, which may be too large for a float
        largest = max(logs)
        weights = [math.exp(each - largest) for each in logs]
        total = sum(weights)
        return [each / total for each in weights]

    def _logs(self) -> Iterator[float]:
        for count in range(1, self.places + 1):
            yield math.log(self.arrivals / self.rate(count))

    @property
    def refused(self) -> float:
        """The share of customers that find all places taken."""
        return self.shares()[-1]

    @property
    def mean_there(self) -> float:
        """Customers, on average over time."""
        return sum(count * share for count, share in enumerate(self.shares()))

    @property
    def seconds(self) -> float:
        """The mean time of those who are not refused (Little's law)."""
        return self.mean_there / (self.arrivals * (1 - self.refused))
