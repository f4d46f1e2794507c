"""What must be true before any process starts: a data directory of our own and a free port; starts nothing itself."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
from pathlib import Path
from typing import TextIO


class StartError(Exception):
    """The service cannot start; the message names the setting, its value and what to do."""


def lock(data_dir: Path) -> TextIO:
    """Make `data_dir` and hold it until the returned file is closed or the process ends, however it ends.

    Raises StartError if another process holds it, or if it cannot be made or written.
    """
    try:
        run_dir = data_dir / "run"
        run_dir.mkdir(parents=True, exist_ok=True)
        run_dir.chmod(0o700)
        file = (run_dir / "lock").open("a+", encoding="ascii")
    except OSError as error:
        raise StartError(f"DATA_DIR={data_dir} cannot be used: {error.strerror}") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.seek(0)
        holder = file.read().strip() or "unknown"
        file.close()
        raise StartError(
            f"DATA_DIR={data_dir} is in use by a service that runs already (process {holder}); "
            "stop that one, or start this one with another DATA_DIR and PORT"
        ) from error
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


def check_address(host: str, port: int) -> None:
    """Raises StartError if nothing can listen on `host` and `port` now."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except OSError as error:
        raise StartError(_address_message(host, port, error)) from error


def _address_message(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"PORT={port} is in use on {host}; stop what listens there, or set another, as in: PORT={port + 1}"
    if error.errno == errno.EACCES:
        return f"PORT={port} may not be listened on by this user; set one above 1023, as in: PORT=8000"
    return f"HOST={host} is no address to listen on here: {error.strerror}"
