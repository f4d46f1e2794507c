"""gunicorn's threaded worker, quicker between a client's requests, and with the contract's one shape for what never
becomes a request."""

from __future__ import annotations

import json
import select
import socket
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any, Final

from gunicorn.glogging import Logger
from gunicorn.workers.gthread import ThreadWorker

LINGER_SECONDS: Final = 0.1
"""How long a thread waits for its connection's next request before it gives the connection back. To give it back and
get it again takes the process two changes of threads, and an empty request a quarter of its time."""

LINGERING: Final = 64
"""Up to so many open connections threads stay with them. With more, those that have a thread would be served again and
again before those that wait for one: of 256 clients at once some would wait for more than a second."""

CODES: Final = {
    400: ("bad_request", "this is no HTTP request"),
    403: ("forbidden", "this request is not let through"),
    414: ("uri_too_long", "the request line is too long"),
    417: ("expectation_failed", "what Expect asks for is not done here"),
    431: ("headers_too_large", "the headers are too many or too long"),
    500: ("internal_error", "an error on the server"),
    501: ("not_implemented", "this transfer coding is not understood"),
}


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """A thread stays with a connection whose next request comes at once, and a reply leaves in one piece.

    Broken requests are answered in JSON: gunicorn finds out what is wrong, and its page is replaced on its way out.
    """

    def handle(self, conn: Any) -> Any:
        """Answer a connection's requests; whether it may have more, later."""
        kept = super().handle(conn)
        while kept is True and self.alive and self._comes_soon(conn):
            kept = super().handle(conn)
        return kept

    def _comes_soon(self, conn: Any) -> bool:
        """Whether the next request is there within a moment."""
        if conn.parser.unreader.buf.getvalue():
            return True
        if self.nr_conns > min(LINGERING, self.cfg.threads // 2):
            return False
        poll = select.poll()
        poll.register(conn.sock, select.POLLIN)
        return bool(poll.poll(1000 * LINGER_SECONDS))

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Answer one request; whether the connection stays open."""
        whole = _InOnePiece(conn.sock)
        kept = super().handle_request(req, SimpleNamespace(sock=whole, client=conn.client, server=conn.server))
        whole.flush()
        return kept

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: Exception) -> None:
        """Log and answer what could not be read."""
        super().handle_error(req, _ErrorsInJson(client), addr, exc)


class Log(Logger):  # type: ignore[misc]
    """gunicorn's own messages alone: a request's line is the application's, and gunicorn would make up one of its own
    for every request, and throw it away, as soon as its log is configured at all."""

    @property
    def access_log_enabled(self) -> bool:
        """Never."""
        return False


class _InOnePiece:
    """A connection on which the head of a reply waits for the body that it announces: one packet and one waking of the
    client where gunicorn makes two. A reply without a length is a stream, whose head does not wait."""

    def __init__(self, client: socket.socket) -> None:
        self._client = client
        self._begun = False
        self._waiting = b""

    def sendall(self, data: bytes) -> None:
        """Send what waits and the data, unless it is a head that waits now."""
        if not self._begun and b"\r\nContent-Length: " in data:
            self._waiting = data
        else:
            self._client.sendall(self._waiting + data)
            self._waiting = b""
        self._begun = True

    def sendfile(self, *args: Any, **kwargs: Any) -> int:
        """Send a file, after what waits."""
        self.flush()
        return self._client.sendfile(*args, **kwargs)

    def flush(self) -> None:
        """Send a head that no body has come for."""
        if self._waiting:
            self.sendall(b"")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


class _ErrorsInJson:
    """A connection that is only written to once: an error."""

    def __init__(self, client: socket.socket) -> None:
        self._client = client

    def sendall(self, page: bytes) -> None:
        """Send the error that the page's status line names."""
        self._client.sendall(error_response(int(page.split(b" ", 2)[1])))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def error_response(status: int) -> bytes:
    """A whole HTTP response."""
    code, message = CODES.get(status, CODES[400])
    kind = "server_error" if status >= 500 else "invalid_request_error"
    body = json.dumps({"error": {"type": kind, "code": code, "message": message, "param": None}}).encode()
    head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nConnection: close\r\nContent-Type: application/json\r\n"
    return head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body
