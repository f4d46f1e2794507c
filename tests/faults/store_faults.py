"""The object store is slow, fails now and then, takes nothing more, or is away: a real server behind a proxy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Final

from tests.faults.disk_faults import WRITING
from tests.faults.fault import Fault
from tests.faults.site import Site
from tests.object_proxy import Fault as Answer
from tests.object_proxy import ObjectProxy, Refusal, lost, reset
from tests.object_server import PROGRAM, ObjectServer
from tests.system.redis_server import RedisServer

SLOW_SECONDS: Final = 0.2
SHARE: Final = 0.1
FAILURES: Final[tuple[Answer, ...]] = (
    Refusal("429 Too Many Requests"),
    Refusal("500 Internal Server Error"),
    Refusal("503 Slow Down"),
    lost,
    reset,
)
"""The last two after the request was done."""
WRITES: Final = ("PUT", "POST")
FULL: Final = {"507": Refusal("507 Insufficient Storage"), "500, as SeaweedFS": Refusal("500 Internal Server Error")}


class FailingProxy(ObjectProxy):
    """Requests fail with the probability `share`, and writes with `full`, if there is one."""

    def __init__(self, server_port: int) -> None:
        self.share, self.random = 0.0, Random(0)
        self.full: Refusal | None = None
        super().__init__(server_port)

    def _fault(self, method: str) -> Answer | None:
        if self.full and method in WRITES:
            return self.full
        return self.random.choice(FAILURES) if self.random.random() < self.share else super()._fault(method)


class StoreSite(Site):
    """A service that keeps everything in a store of objects, as one of several machines."""

    def __init__(self, folder: Path) -> None:
        self._server, self._redis = ObjectServer(folder / "objects"), RedisServer(folder)
        self._server.start()
        self._redis.start()
        self.proxy = FailingProxy(self._server.port)
        settings = self._server.environment(endpoint=self.proxy.endpoint)
        super().__init__(folder, STORE_URL=self._server.url(), REDIS_URL=self._redis.url, **settings)

    def end(self) -> int:
        """The servers, too."""
        status = super().end()
        self.proxy.end()
        self._redis.stop()
        self._server.remove()
        return status


def can_serve() -> bool:
    """Whether the server is installed."""
    return PROGRAM.exists()


@contextmanager
def _slow(site: StoreSite, random: Random) -> Iterator[None]:
    site.proxy.delay = SLOW_SECONDS
    yield
    site.proxy.delay = 0.0


@contextmanager
def _failing(site: StoreSite, random: Random) -> Iterator[None]:
    site.proxy.random, site.proxy.share = Random(random.random()), SHARE
    yield
    site.proxy.share = 0.0


@contextmanager
def _full(answer: Refusal, site: StoreSite, random: Random) -> Iterator[None]:
    site.proxy.full = answer
    yield
    site.proxy.full = None


@contextmanager
def _away(site: StoreSite, random: Random) -> Iterator[None]:
    site.proxy.is_down = True
    yield
    site.proxy.is_down = False


def of_store() -> list[Fault[StoreSite]]:
    """Each once."""
    told, group = "^store: it does not", "store"
    return [
        Fault(f"each request {SLOW_SECONDS * 1000:.0f} ms later", group, _slow, 20.0),
        Fault(f"{SHARE:.0%} of the requests fail", group, _failing, 30.0),
        *(
            Fault(f"full: {name}", group, partial(_full, answer), 35.0, refuses=WRITING, degraded=told)
            for name, answer in FULL.items()
        ),
        Fault("away for a minute", group, _away, 60.0, refuses=WRITING, degraded=told),
    ]
