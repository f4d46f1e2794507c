"""The embedded server as a process, for tests that need a real one."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterator

import redis

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
