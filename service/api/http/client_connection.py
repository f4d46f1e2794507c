"""The client that waits for a request's reply: since when, and whether its connection is still open."""

from __future__ import annotations

import socket
import time
from typing import Any

from service.generation.cancellation import Client


def client_of(environ: dict[str, Any]) -> Client:
    """The client of this request, waiting from now on. WSGI cannot tell whether it is connected; gunicorn provides the
    socket."""
    since = time.monotonic()
    connection: socket.socket | None = environ.get("gunicorn.socket")
    if connection is None:
        return Client(asked_at=since)

    def is_connected() -> bool:
        try:
            return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False

    return Client(is_connected, connection.fileno(), since)
