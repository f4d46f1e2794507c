"""A queue of job ids in Redis, which distributes jobs to workers; knows no content of jobs and no training.

Dramatiq delivers the messages: it keeps a heartbeat for each worker outside the computing thread, and redelivers the
messages of a dead worker. Its retries, time limits and so on are not used, because a run's directory determines what is
to be done.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event, Thread
from typing import Any, Final, TypeVar

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker

from service.redis_servers.clients import client
from service.redis_servers.faults import AWAY, in_words
from service.redis_servers.urls import parse
from service.training.errors import QueueDownError

log = logging.getLogger(__name__)

Asked = TypeVar("Asked")

NAMESPACE: Final = "charrnn:queue"
QUEUE: Final = "training"
ACTOR: Final = "train"

HEARTBEAT_TIMEOUT_MS: Final = 6_000
POLL_MS: Final = 500
LOOKED_FOR: Final = f"{NAMESPACE}:{QUEUE}.absent"
"""A list that is never there."""
CONNECT_SECONDS: Final = 1.0
ANSWER_SECONDS: Final = 2.0
CLOSING_SECONDS: Final = 3.0
RETRIES: Final = 1
"""The connection may be from before a restart of Redis."""

_ALWAYS: Final = 1_000_000
"""How many of a million commands look for dead workers; with dramatiq's default of a thousand, they are found minutes
later."""


class JobQueue:
    """The queue, to which jobs are submitted. It connects on first use; with an empty `url` it counts as down.

    `look_seconds`: how long `fault` waits for it.
    """

    def __init__(self, url: str, look_seconds: float = ANSWER_SECONDS) -> None:
        self._url = url
        self._broker = make_broker(url) if url else None
        self._look = client(url, look_seconds, look_seconds, RETRIES) if url else None

    @property
    def address(self) -> str:
        """Where it is, without a password, for logs."""
        return parse(self._url).address

    def submit(self, job: str) -> None:
        """Submit a job to the workers. Raises QueueDownError within seconds if the queue is down; workers then find the
        job in the directory of runs."""
        message: dramatiq.Message[Any] = dramatiq.Message(
            queue_name=QUEUE, actor_name=ACTOR, args=(job,), kwargs={}, options={}
        )
        self._asked(self._broker, lambda broker: broker.enqueue(message))

    def waiting(self) -> set[str]:
        """The jobs that no worker has taken yet. Raises QueueDownError."""
        key = f"{NAMESPACE}:{QUEUE}"

        def ask(broker: RedisBroker) -> Any:
            ids = broker.client.lrange(key, 0, -1)
            return broker.client.hmget(f"{key}.msgs", ids) if ids else []

        messages = [data for data in self._asked(self._broker, ask) if data is not None]
        return {str(dramatiq.Message.decode(data).args[0]) for data in messages}

    def fault(self) -> str:
        """Why the queue takes no jobs, in words; empty: it does. A server whose memory or disk is full answers, but
        refuses whatever writes. It is asked to append to a list only if that is there, which it refuses in the same
        cases, and which changes nothing."""
        if self._look is None:
            return AWAY
        try:
            self._look.rpushx(LOOKED_FOR, "")
        except redis.RedisError as error:
            log.debug("the queue takes no jobs", exc_info=error)
            return in_words(error)
        return ""

    def available(self) -> bool:
        """Whether the queue takes jobs."""
        return not self.fault()

    def close(self) -> None:
        """Close the connections; the next use opens new ones."""
        if self._broker is not None and self._look is not None:
            self._broker.client.close()
            self._look.close()

    def _asked(self, whom: Asked | None, ask: Callable[[Asked], Any]) -> Any:
        if whom is None:
            raise QueueDownError("the queue cannot be reached: no Redis is configured")
        try:
            return ask(whom)
        except redis.RedisError as error:
            log.debug("the queue does not answer", exc_info=error)
            raise QueueDownError(f"the queue cannot be reached: {in_words(error)}") from error


class JobConsumer:
    """Takes jobs from the queue, one at a time, and calls `handle` for each in a thread of its own.

    A job is removed from the queue when `handle` returns, whatever the outcome. Survives restarts of Redis.
    """

    def __init__(self, url: str, handle: Callable[[str], None]) -> None:
        self._handle = handle
        self._idle = Event()
        self._idle.set()
        self._broker = broker = make_broker(url)
        dramatiq.actor(broker=broker, actor_name=ACTOR, queue_name=QUEUE)(self._take)
        self._worker = dramatiq.Worker(broker, worker_threads=1, worker_timeout=POLL_MS)
        # Including the current one: while a job is being trained, no second one is withheld from other workers.
        self._worker.queue_prefetch = 1

    def start(self) -> None:
        """Begin to take jobs."""
        self._worker.start()

    def stop(self, timeout: float) -> None:
        """Take no more jobs, wait up to `timeout` seconds for the current one to end, then close the connections to
        Redis, within seconds."""
        closing = Thread(target=self._worker.stop, kwargs={"timeout": int(timeout * 1000)}, daemon=True)
        closing.start()
        self._idle.wait(timeout)
        closing.join(CLOSING_SECONDS)
        self._broker.client.close()

    def _take(self, job: str) -> None:
        self._idle.clear()
        try:
            self._handle(job)
        finally:
            self._idle.set()


class QuietConnections(logging.Filter):
    """Filters out dramatiq's messages about a lost connection, which it repeats every few seconds."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is to be logged."""
        return not (record.name.startswith("dramatiq.worker.") and "connection error" in str(record.msg))


def make_broker(url: str) -> RedisBroker:
    """The connection to the queue, established on first use."""
    broker = RedisBroker(  # type: ignore[no-untyped-call]
        client=client(url, CONNECT_SECONDS, ANSWER_SECONDS, RETRIES),
        middleware=[],
        namespace=NAMESPACE,
        heartbeat_timeout=HEARTBEAT_TIMEOUT_MS,
        maintenance_chance=_ALWAYS,
    )
    broker.declare_queue(QUEUE)
    return broker
