"""Simulated replicas behind a balancer that sends each request to one of those in its list, as nginx does with
deploy/nginx.conf."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from benchmarks.capacity.sizing import Process
from benchmarks.simulation.events import Events
from benchmarks.simulation.request import Outcome, Request
from benchmarks.simulation.web_process import WebProcess

Policy = Literal["round_robin", "least_connections"]
TRIES: Final = 2
"""To so many replicas a request is sent at most (`proxy_next_upstream_tries`)."""
CONNECT_SECONDS: Final = 2.0
"""How long a connection may take to be accepted (`proxy_connect_timeout`)."""
READ_SECONDS: Final = 130.0
"""How long a reply may take (`proxy_read_timeout`)."""
DRAIN_SECONDS: Final = 8.0
"""How long a replica that ends goes on with what it has (README, Generating)."""


class Replica:
    """A machine with a web process for each core."""

    def __init__(self, events: Events, process: Process, cores: int) -> None:
        self._processes = [WebProcess(events, process, self._ended) for _ in range(cores)]
        self.requests: dict[Request, Callable[[Outcome], None]] = {}
        """Those that are here, and who wants to know their end."""
        self.state: Literal["serving", "refusing", "silent"] = "serving"
        """Refusing: its connections are reset and refused. Silent: cut off, so that nothing is heard of it."""
        self.connecting = 0
        """Requests that wait for a connection to it."""

    @property
    def connections(self) -> int:
        """As the balancer counts them."""
        return len(self.requests) + self.connecting

    def submit(self, request: Request, ended: Callable[[Outcome], None]) -> None:
        """Have it answered by the process that has the fewest connections."""
        self.requests[request] = ended
        min(self._processes, key=lambda process: process.connections).submit(request)

    def fail(self, *, silent: bool) -> list[Callable[[Outcome], None]]:
        """Lose what is here; returns who wanted to know."""
        self.state = "silent" if silent else "refusing"
        for process in self._processes:
            process.kill()
        lost, self.requests = list(self.requests.values()), {}
        return lost

    def busy_seconds(self) -> float:
        """Of all its cores."""
        return sum(process.busy_seconds for process in self._processes)

    def _ended(self, request: Request, outcome: Outcome) -> None:
        self.requests.pop(request)(outcome)


@dataclass(frozen=True, slots=True)
class Shape:
    """What all replicas are like: web processes, and the seconds from the start of one until it serves."""

    process: Process
    cores: int = 1
    start: float = 2.0


class Cluster:
    """Replicas that are listed get requests by the policy; `looked` seconds after one has failed it is no longer
    listed."""

    def __init__(self, events: Events, shape: Shape, replicas: int, policy: Policy, look: float = 10.0) -> None:
        self._events, self._shape, self._policy, self._look = events, shape, policy, look
        self.listed = [self._replica() for _ in range(replicas)]
        self._next = 0

    def submit(self, request: Request) -> None:
        """Send a request to a replica, and to another one if that is away."""
        untried = [each for each in self.listed if each not in request.tried] if request.tried else self.listed
        if len(request.tried) == TRIES or not untried:
            request.end(request, "failed")
            return
        replica = self._choose(untried)
        request.tried.append(replica)
        if replica.state == "serving":
            replica.submit(request, lambda outcome: self._answered(request, outcome))
        else:
            replica.connecting += 1
            self._events.after(CONNECT_SECONDS * (replica.state == "silent"), self._not_connected, request, replica)

    def add(self) -> None:
        """Start a replica, which gets requests when it serves."""
        self._events.after(self._shape.start, lambda: self.listed.append(self._replica()))

    def remove(self, then: Callable[[], None] = lambda: None) -> None:
        """Let the replica that was listed first end in order, then do something."""
        replica = self.listed.pop(0)
        self._events.after(0, self._drain, replica, self._events.now + DRAIN_SECONDS, then)

    def upgrade(self) -> None:
        """Replace all replicas, one after the other, each as soon as the one before serves."""
        self._upgrade(len(self.listed))

    def fail(self, *, silent: bool = False) -> None:
        """End the replica that was listed first, at once: its process or machine is killed, or its links are down."""
        replica = self.listed[0]
        for ended in replica.fail(silent=silent):
            self._events.after(READ_SECONDS if silent else 0, ended, "failed")
        self._events.after(self._look, self._unlist, replica)

    def _replica(self) -> Replica:
        return Replica(self._events, self._shape.process, self._shape.cores)

    def _choose(self, replicas: list[Replica]) -> Replica:
        """The next one, or of those with the fewest connections the next one."""
        first = self._next = (self._next + 1) % len(replicas)
        if self._policy == "round_robin":
            return replicas[first]
        return min(replicas[first:] + replicas[:first], key=lambda replica: replica.connections)

    def _not_connected(self, request: Request, replica: Replica) -> None:
        replica.connecting -= 1
        self.submit(request)

    def _answered(self, request: Request, outcome: Outcome) -> None:
        if outcome == "failed":
            self.submit(request)
        else:
            request.end(request, outcome)

    def _drain(self, replica: Replica, until: float, then: Callable[[], None]) -> None:
        if replica.requests and self._events.now < until:
            self._events.after(0.01, self._drain, replica, until, then)
            return
        for ended in replica.fail(silent=False):
            ended("failed")
        then()

    def _upgrade(self, left: int) -> None:
        if left:
            self.remove(then=lambda: self._start_another(left - 1))

    def _start_another(self, left: int) -> None:
        self.add()
        self._events.after(self._shape.start, self._upgrade, left)

    def _unlist(self, replica: Replica) -> None:
        if replica in self.listed:
            self.listed.remove(replica)
