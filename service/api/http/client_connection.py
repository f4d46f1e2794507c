"""Who waits for a request's reply: since when, and whether it is still there, as gunicorn's socket tells."""

from __future__ import annotations

import socket
import time
from typing import Any

from service.generation.cancellation import Client


def client_of(environ: dict[str, Any]) -> Client:
    """Who waits for this request's reply, from now on. WSGI does not say; gunicorn hands the socket over."""
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
