"""The socket that a reply is written to, in as few packets as possible."""

from __future__ import annotations

from typing import IO, Any

from service.processes.web_server.client_socket import ClientSocket


class ReplySocket:
    """A connection on which the head of a reply waits for the body that it announces: one packet and one waking of the
    client where gunicorn makes two. A reply without a length is a stream, whose head does not wait."""

    def __init__(self, client: ClientSocket) -> None:
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

    def sendfile(self, file: IO[bytes], offset: int = 0, count: int | None = None) -> int:
        """Send a file, after what waits."""
        self.flush()
        return self._client.sendfile(file, offset, count)

    def flush(self) -> None:
        """Send a head that no body has come for."""
        if self._waiting:
            self.sendall(b"")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)
