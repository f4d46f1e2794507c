"""A proxy before a server of objects, for tests in which answers are lost, late, cut short or errors."""

from __future__ import annotations

import re
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tests.proxy import Proxy

Fault = Callable[[socket.socket, bytes], None]
"""Sends the client what it likes of an answer, and then the connection is closed."""


@dataclass(frozen=True)
class Refusal:
    """A fault that sends another answer, and the server is never asked."""

    status: str
    more: str = ""

    def __call__(self, client: socket.socket, answer: bytes) -> None:
        client.sendall(f"HTTP/1.1 {self.status}\r\nContent-Length: 0\r\n{self.more}Connection: close\r\n\r\n".encode())


PIECE: Final = 1 << 16


class ObjectProxy(Proxy):
    """Passes requests on one by one, and answers back, but those that `faults` are for: the first matches the method of
    the next such request, and is then forgotten."""

    def __init__(self, server_port: int) -> None:
        self.faults: list[tuple[str, Fault]] = []
        self.is_down = False
        """Whether all connections are closed, without an answer."""
        self.delay = 0.0
        """How many seconds later each request is passed on."""
        self.seen: list[str] = []
        """The methods of all requests."""
        super().__init__(server_port)
        self.endpoint = f"http://127.0.0.1:{self.port}"

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        while request := _message(client):
            if self.is_down:
                return
            method = request.partition(b" ")[0].decode()
            self.seen.append(method)
            fault = self._fault(method)
            time.sleep(self.delay)
            if isinstance(fault, Refusal):
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


def reset(client: socket.socket, answer: bytes) -> None:
    """The request has been done, and the connection breaks."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


refused: Final = Refusal("503 Slow Down")
"""The server is busy, and does nothing."""


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
