"""Ports for the servers that tests start: each process has some to itself, below those that the system gives to whoever
asks, so that nobody else takes one before its server does."""

from __future__ import annotations

import fcntl
import itertools
import os
import socket
import tempfile
from functools import cache
from pathlib import Path
from typing import Final

FIRST: Final = 10_000
BLOCKS: Final = 100
SIZE: Final = 200
"""Ports in a block, which one process holds as long as it lives."""


def free_port() -> int:
    """One that nothing listens on; the same one only after many others. Raises OSError if all of this process are
    taken."""
    for _ in range(SIZE):
        port = next(_own())
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:  # a server that still runs
            continue
        return port
    raise OSError(f"something listens on each of {SIZE} ports")


@cache
def _own() -> itertools.cycle[int]:
    folder = Path(tempfile.gettempdir()) / f"charrnn-ports-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    for block in range(BLOCKS):
        descriptor = os.open(folder / str(block), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            continue
        return itertools.cycle(range(FIRST + block * SIZE, FIRST + (block + 1) * SIZE))  # the lock stays
    raise OSError(f"{BLOCKS} processes have ports for tests")
