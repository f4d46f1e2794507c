"""Sets the embedded Redis server's files aside when it cannot start on them; what they held can be rebuilt."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final

import redis

from durable.entries import set_aside
from service.data_dir import DataDir
from service.processes.embedded_redis import EmbeddedRedis

TRIAL_SECONDS: Final = 15.0
"""A server that is still reading its files after this time counts as one that can."""


def set_damaged_aside(server: EmbeddedRedis, data: DataDir) -> str:
    """After a failed start: if the server starts on an empty folder, but not on its own, set that one aside.

    Returns a sentence about it, or nothing. The server itself is asked, because `valkey-check-aof` takes sound files
    for damaged ones. Nothing is lost but the cache: the directory of runs has all jobs, and the reconciler queues them
    again. Raises OSError. Takes seconds.
    """
    if _starts(server, data.redis):
        return ""
    with tempfile.TemporaryDirectory(prefix=".trial-", dir=data.root) as empty:  # on the same disk, which may be full
        if not _starts(server, Path(empty)):
            return ""
    aside = set_aside(data.redis)
    data.redis.mkdir()
    return (
        f"the embedded Redis server cannot read its files, which are kept as {aside.name}; it starts with empty ones,"
        " and waiting jobs are queued again"
    )


def _starts(server: EmbeddedRedis, folder: Path) -> bool:
    """Whether such a server starts on the folder; on a socket of its own, and stopped at once."""
    with tempfile.TemporaryDirectory(prefix="charrnn-") as temporary:
        socket = Path(temporary) / "socket"
        command = (*server.command, "--dir", str(folder), "--unixsocket", str(socket), "--logfile", "")
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        client = redis.Redis(unix_socket_path=str(socket), socket_timeout=TRIAL_SECONDS)
        try:
            return _answers(client, process)
        finally:
            client.close()
            process.terminate()
            process.wait()


def _answers(client: redis.Redis, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + TRIAL_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            return False
        with contextlib.suppress(redis.RedisError):
            client.ping()
            break
        time.sleep(0.02)
    return True
