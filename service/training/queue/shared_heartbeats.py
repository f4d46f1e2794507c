"""Which workers of any machine are alive: each also tells the Redis that the machines share, whose clock is the only
one that counts."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from redis.client import Redis
from redis.exceptions import RedisError

from service.redis_servers.clients import client
from service.training.queue.figures import Figures, read, total
from service.training.queue.heartbeats import FORGOTTEN_SECONDS, Heartbeat, WorkerRegistry

BEATS: Final = "charrnn:workers"
"""A sorted set: when each worker was heard of last, in seconds by Redis's clock."""
FIGURES: Final = "charrnn:workers:figures"
"""A hash: what each worker tells of itself."""
TOLD_SECONDS: Final = 3.0
ASKED_SECONDS: Final = 1.0
ANSWER_SECONDS: Final = 0.5


class _Beat(NamedTuple):
    """`moment`: of the last heartbeat, in seconds by this process's monotonic clock."""

    moment: float
    figures: Figures


class SharedHeartbeat(Heartbeat):
    """The heartbeat of a worker that other machines are to see as well; it tells Redis every few seconds, and without
    an answer soon enough it is not waited for."""

    def __init__(
        self,
        root: Path,
        url: str,
        figures: Callable[[], Figures] = Figures,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(root, figures)
        self._redis = client(url, ANSWER_SECONDS, ANSWER_SECONDS, retries=1)
        self._clock = clock
        self._due = float("-inf")

    def beat(self) -> None:
        """As for one machine."""
        super().beat()
        if self._clock() >= self._due:
            with suppress(RedisError, OSError):
                now = _now(self._redis)
                with self._redis.pipeline() as changes:
                    changes.zremrangebyscore(BEATS, "-inf", now - FORGOTTEN_SECONDS)
                    changes.zadd(BEATS, {self.name: now})
                    changes.hset(FIGURES, self.name, self.figures.to_json())
                    changes.execute()
            self._due = self._clock() + TOLD_SECONDS

    def end(self) -> None:
        """As for one machine."""
        super().end()
        with suppress(RedisError, OSError), self._redis.pipeline() as changes:
            changes.zrem(BEATS, self.name)
            changes.hdel(FIGURES, self.name)
            changes.execute()


class SharedWorkerRegistry(WorkerRegistry):
    """The workers of this machine, and those that Redis has heard of. While it does not answer, those count that it had
    heard of before, as long as they would anyway."""

    def __init__(
        self,
        root: Path,
        url: str,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(root, clock)
        self._redis = client(url, ANSWER_SECONDS, ANSWER_SECONDS, retries=1)
        self._monotonic = monotonic
        self._asked = float("-inf")
        self._known: dict[str, _Beat] = {}

    def heartbeats(self) -> dict[str, float]:
        """As for one machine; the times are by this one's clock."""
        now, there = self._clock(), self._elsewhere()
        ages = {worker: self._monotonic() - beat.moment for worker, beat in there.items()}
        found = {worker: now - age for worker, age in ages.items() if age < FORGOTTEN_SECONDS}
        return {**found, **super().heartbeats()}

    def figures(self) -> Figures:
        """As for one machine."""
        here = super().heartbeats()
        elsewhere = [beat.figures for worker, beat in self._elsewhere().items() if worker not in here]
        return total([*map(self.figures_of, here), *elsewhere])

    def _elsewhere(self) -> dict[str, _Beat]:
        if self._monotonic() - self._asked >= ASKED_SECONDS:
            with suppress(RedisError, OSError):
                self._known = self._ask()
            self._asked = self._monotonic()
        return self._known

    def _ask(self) -> dict[str, _Beat]:
        now = _now(self._redis)
        beats: Any = self._redis.zrangebyscore(BEATS, now - FORGOTTEN_SECONDS, "inf", withscores=True)
        figures: Any = self._redis.hgetall(FIGURES)
        return {
            worker.decode(): _Beat(self._monotonic() - (now - moment), read(figures.get(worker, b"")))
            for worker, moment in beats
        }


def _now(redis: Redis) -> float:
    """Redis's time in seconds."""
    moment: Any = redis.time()
    return float(moment[0] + moment[1] / 1e6)
