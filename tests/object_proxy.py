"""A TCP proxy before a server of objects, for tests in which answers are lost, late, cut short or errors."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Self

Fault = Callable[[socket.socket, bytes], None]
"""Sends the client what it likes of an answer, and then the connection is closed."""

PIECE: Final = 1 << 16


class ObjectProxy:
    """Passes requests on one by one, and answers back, but those that `faults` are for: the first matches the method of
    the next such request, and is then forgotten."""

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.faults: list[tuple[str, Fault]] = []
        self.is_down = False
        """Whether all connections are closed, without an answer."""
        self.seen: list[str] = []
        """The methods of all requests."""
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client = self._listener.accept()[0]
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError), socket.create_connection(self._target) as server:
            while request := _message(client):
                if self.is_down:
                    return
                method = request.partition(b" ")[0].decode()
                self.seen.append(method)
                fault = self._fault(method)
                if fault is refused:
                    fault(client, b"")
                    return
                server.sendall(request)
                answer = _message(server, is_head=method == "HEAD")
                if fault is not None:
                    fault(client, answer)
                    return
                client.sendall(answer)

    def _fault(self, method: str) -> Fault | None:
        if self.faults and self.faults[0][0] == method:
            return self.faults.pop(0)[1]
        return None


def lost(client: socket.socket, answer: bytes) -> None:
    """The request has been done, and the connection ends."""


def late(client: socket.socket, answer: bytes) -> None:
    """The answer comes after the client has given up."""
    time.sleep(4)
    client.sendall(answer)


def cut(client: socket.socket, answer: bytes) -> None:
    """The connection ends in the middle of the answer."""
    client.sendall(answer[:-1])


def refused(client: socket.socket, answer: bytes) -> None:
    """The server is busy, and does nothing."""
    client.sendall(b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def _message(source: socket.socket, *, is_head: bool = False) -> bytes:
    """A request or an answer with its body; empty when the connection has ended."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (piece := source.recv(PIECE)):
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    missing = 0 if is_head or length is None else int(length[1]) - len(body)
    rest = [data]
    while missing > 0 and (piece := source.recv(min(missing, PIECE))):
        rest.append(piece)
        missing -= len(piece)
    return b"".join(rest)
