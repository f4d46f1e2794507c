"""Whether the client of a request is still there, as gunicorn's socket tells it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any


def client_is_there(environ: dict[str, Any]) -> Callable[[], bool]:
    """A question to be asked while the client waits. WSGI has none; gunicorn hands the socket over."""
    connection: socket.socket | None = environ.get("gunicorn.socket")

    def is_there() -> bool:
        if connection is None:
            return True
        try:
            return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False

    return is_there
