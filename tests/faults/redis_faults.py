"""Redis is killed, suspended, emptied, full, paused or slow: the embedded one, or two others that the service uses."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final

import redis

from service.data_dir import DataDir
from tests.faults.fault import Fault
from tests.faults.process_faults import SEEN_SECONDS, SUSPENDED_SECONDS
from tests.faults.site import Site
from tests.faults.slow_proxy import SlowProxy
from tests.system.redis_server import RedisServer

AWAY_SECONDS: Final = 5.0
SLOW: Final = 0.4
"""In seconds for each piece: more than the service waits for its cache."""


class ExternalSite(Site):
    """A service with two Redis servers of its own, one for the queue and one for the cache, each behind a proxy."""

    def __init__(self, folder: Path) -> None:
        self.servers = {name: RedisServer(folder) for name in ("queue", "cache")}
        for each in self.servers.values():
            each.start()
        self.proxies = {name: SlowProxy(each.port) for name, each in self.servers.items()}
        queue, cache = (f"redis://127.0.0.1:{self.proxies[name].port}/0" for name in ("queue", "cache"))
        super().__init__(folder, REDIS_URL=queue, CACHE_URL=cache)

    def end(self) -> int:
        """The servers, too."""
        status = super().end()
        for proxy in self.proxies.values():
            proxy.end()
        for server in self.servers.values():
            server.stop()
        return status


def _embedded(site: Site) -> Any:
    return redis.Redis.from_url(DataDir(site.data_dir).redis_url.read_text())


def _external(name: str, site: ExternalSite) -> Any:
    return redis.Redis.from_url(site.servers[name].url)


@contextmanager
def _emptied(reach: Callable[[Any], Any], site: Site, random: Random) -> Iterator[None]:
    with reach(site) as client:
        client.flushall()
    yield


@contextmanager
def _full(reach: Callable[[Any], Any], site: Site, random: Random) -> Iterator[None]:
    with reach(site) as client:
        before = client.config_get("maxmemory*")
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", 1)
        try:
            yield
        finally:
            client.config_set("maxmemory", before["maxmemory"])
            client.config_set("maxmemory-policy", before["maxmemory-policy"])


@contextmanager
def _paused(reach: Callable[[Any], Any], site: Site, random: Random) -> Iterator[None]:
    with reach(site) as client:
        client.client_pause(int(AWAY_SECONDS * 1000), all=True)
        yield


@contextmanager
def _away(name: str, site: ExternalSite, random: Random) -> Iterator[None]:
    site.servers[name].stop()
    try:
        yield
    finally:
        site.servers[name].start()


@contextmanager
def _suspended(name: str, site: ExternalSite, random: Random) -> Iterator[None]:
    pid = site.servers[name].pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def _slow(name: str, site: ExternalSite, random: Random) -> Iterator[None]:
    site.proxies[name].delay = SLOW
    try:
        yield
    finally:
        site.proxies[name].delay = 0.0


@contextmanager
def _forgetful(site: Site, random: Random) -> Iterator[None]:
    """Killed, and what it has on the disk is gone when it is started again."""
    pid = site.pid("redis")
    os.kill(pid, signal.SIGSTOP)
    for path in DataDir(site.data_dir).redis.rglob("*.aof*"):
        path.unlink(missing_ok=True)
    os.kill(pid, signal.SIGKILL)
    yield


def of_embedded() -> list[Fault[Site]]:
    """What can happen to the embedded one beside its death, with which the processes' faults deal."""
    name, reach = "the embedded Redis", _embedded
    return [
        Fault(f"FLUSHALL in {name}", "Redis", partial(_emptied, reach)),
        Fault(f"{name} out of memory", "Redis", partial(_full, reach), AWAY_SECONDS, degraded="Redis"),
        Fault(f"CLIENT PAUSE in {name}", "Redis", partial(_paused, reach), AWAY_SECONDS, degraded="Redis"),
        Fault(f"{name} killed and its files deleted", "Redis", _forgetful),
    ]


def of_external() -> list[Fault[Any]]:
    """What can happen to either of the two."""
    return [each for name in ("queue", "cache") for each in _of(name)]


def _of(name: str) -> Iterator[Fault[Any]]:
    title, reach, degraded = f"the {name}'s Redis", partial(_external, name), f"{name}: Redis"
    yield Fault(f"FLUSHALL in {title}", "Redis", partial(_emptied, reach))
    yield Fault(f"{title} out of memory", "Redis", partial(_full, reach), AWAY_SECONDS, degraded=degraded)
    yield Fault(f"CLIENT PAUSE in {title}", "Redis", partial(_paused, reach), AWAY_SECONDS, degraded=degraded)
    yield Fault(
        f"{title} killed and empty {AWAY_SECONDS:g} s later",
        "Redis",
        partial(_away, name),
        AWAY_SECONDS,
        degraded=degraded,
    )
    slow = degraded if name == "cache" else ""
    yield Fault(f"{title} slow ({SLOW:g} s for each piece)", "Redis", partial(_slow, name), AWAY_SECONDS, degraded=slow)
    for seconds in SUSPENDED_SECONDS:
        seen = degraded if seconds >= SEEN_SECONDS else ""
        yield Fault(f"SIGSTOP to {title} for {seconds:g} s", "Redis", partial(_suspended, name), seconds, degraded=seen)
