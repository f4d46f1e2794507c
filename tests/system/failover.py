"""A failover as every kind of service is put through it: texts are asked for without a pause, and jobs are handed in
before the primary of its Redis dies, while the replica has not heard of them, and afterwards."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from service.client import Client, ServiceError
from tests.service.redis_server import WatchedRedis
from tests.waiting import LONGEST, until

SMALL = {"hidden_size": 8, "layers": 1, "batch_size": 2, "segment_length": 8, "seed": 1}
STEPS = 2000
"""Of the job that is trained when the primary dies."""


class Load:
    """Texts that a client asks for without a pause; what failed, and how many came."""

    def __init__(self, client: Client) -> None:
        self.failures: list[str] = []
        self.count = 0
        self._client = client
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._over.set()
        self._thread.join(LONGEST)

    def _ask(self) -> None:
        while not self._over.wait(0.05):
            try:
                text = self._client.generate("ROMEO:", 20, seed=self.count % 7).text
                if len(text) != 20:
                    self.failures.append(f"the text {text!r}")
            except (OSError, ServiceError) as error:
                self.failures.append(repr(error))
            self.count += 1


@contextmanager
def loads(clients: Sequence[Client]) -> Iterator[list[Load]]:
    """One for each client, which end with the context."""
    begun = [Load(client) for client in clients]
    try:
        yield begun
    finally:
        for load in begun:
            load.end()


def fail_over(watched: WatchedRedis, clients: Sequence[Client], corpus: str) -> tuple[list[str], float]:
    """The ids of six jobs that train `fox0` to `fox5`, once all have succeeded, and the seconds from the primary's
    death until no client hears of anything degraded."""

    def submit(number: int, steps: int = 20) -> str:
        client = clients[number % len(clients)]
        return str(client.train(corpus, f"fox{number}", budget={"steps": steps}, **SMALL)["id"])

    jobs = [submit(0, STEPS), submit(1)]
    until(lambda: clients[-1].job(jobs[0])["status"] == "running")
    watched.replica.process.send_signal(signal.SIGSTOP)  # it will never hear of the next two
    jobs += [submit(2), submit(3)]
    watched.primary.kill()
    watched.replica.process.send_signal(signal.SIGCONT)
    killed = time.monotonic()
    jobs += [submit(4)]
    until(lambda: is_well(clients))
    took = time.monotonic() - killed
    jobs += [submit(5)]
    until(lambda: all(clients[0].job(job)["status"] == "succeeded" for job in jobs), 180)
    assert watched.primary_port() == watched.replica.port
    return jobs, took


def is_well(clients: Sequence[Client]) -> bool:
    """Whether no client hears of anything degraded."""
    return all(client.ready()["degraded"] == [] for client in clients)
