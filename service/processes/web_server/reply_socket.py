"""A socket that sends replies in as few packets as possible."""

from __future__ import annotations

from typing import IO, Any

from service.processes.web_server.client_socket import ClientSocket


class ReplySocket:
    """A connection on which the head of a reply is held back until its body is written, so that the client gets one
    packet instead of gunicorn's two. The head of a reply without a length, a stream, is sent at once."""

    def __init__(self, client: ClientSocket) -> None:
        self._client = client
        self._begun = False
        self._waiting = b""

    def sendall(self, data: bytes) -> None:
        """Send what was held back and the data, or hold it back if it is a head."""
        if not self._begun and b"\r\nContent-Length: " in data:
            self._waiting = data
        else:
            self._client.sendall(self._waiting + data)
            self._waiting = b""
        self._begun = True

    def sendfile(self, file: IO[bytes], offset: int = 0, count: int | None = None) -> int:
        """Send a file, after what was held back."""
        self.flush()
        return self._client.sendfile(file, offset, count)

    def flush(self) -> None:
        """Send a head that was held back, if any."""
        if self._waiting:
            self.sendall(b"")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)
