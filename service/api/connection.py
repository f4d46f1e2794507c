"""Whether the client of a request is still there, as gunicorn's socket tells it."""

from __future__ import annotations

import socket
from typing import Any

from service.generation.clients import ANYBODY, Client


def client_of(environ: dict[str, Any]) -> Client:
    """Who waits for this request's reply. WSGI does not say; gunicorn hands the socket over."""
    connection: socket.socket | None = environ.get("gunicorn.socket")
    if connection is None:
        return ANYBODY

    def is_there() -> bool:
        try:
            return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False

    return Client(is_there, connection.fileno())
