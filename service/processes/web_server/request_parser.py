"""gunicorn's parser on bytes that were received before, so that reading a request's head never blocks."""

from __future__ import annotations

import os
import re
from typing import Any, Final

from gunicorn.http.body import ChunkedReader
from gunicorn.http.errors import InvalidHeader, InvalidRequestLine, LimitRequestHeaders, UnsupportedTransferCoding
from gunicorn.http.message import Request as GunicornRequest
from gunicorn.http.parser import RequestParser
from gunicorn.http.unreader import Unreader

from service.processes.web_server.client_socket import ClientSocket
from service.processes.web_server.framing import MAX_HEAD, Arrived, is_whole_head, whole_size

SMALL_REST: Final = 1 << 15
"""Up to this many bytes of an unread body are read, so that the connection can be kept for the next request."""

HIGHEST_VERSION: Final = (1, 1)
"""A reply has at most this version of HTTP, whatever the request has."""

HOST: Final = re.compile(
    r"(\[[\w\-.~!$&'()*+,;=:]+\]|([\w\-.~!$&'()*+,;=]|%[0-9a-f]{2})*)(:[0-9]*)?", re.ASCII | re.IGNORECASE
)
"""A valid `Host` (RFC 3986, section 3.2.2), which may be empty."""

_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class Parser(RequestParser):  # type: ignore[misc]  # gunicorn has no types
    """The requests of one connection, one after the other; `next` needs a whole head."""

    def __init__(self, configuration: Any, client: ClientSocket, address: Any) -> None:
        super().__init__(configuration, (), address)
        self.mesg_class = Request
        self.unreader = Received(client)
        self._head_is_whole = False
        self._size: int | None = None  # of the next request, if it is known

    def __next__(self) -> Request:
        """Parse the head of the next request. Raises StopIteration, gunicorn's errors."""
        self._head_is_whole = False
        request: Request = super().__next__()
        return request

    def feed(self, data: bytes) -> None:
        """Add received bytes."""
        self.unreader.append(data)

    def skip_body(self) -> bool:
        """Read the rest of a request's body; returns whether that was possible. Raises ConnectionError."""
        return bool(self.finish_body(max_bytes=2 * SMALL_REST))

    @property
    def held(self) -> int:
        """How many bytes have been received and not parsed."""
        return int(self.unreader.buf.getbuffer().nbytes)

    @property
    def arrived(self) -> Arrived:
        """What has arrived of the next request."""
        if not self._head_is_whole:
            held = self.unreader.buf.getvalue()
            if held in (b"", b"\r", b"\r\n"):
                return Arrived.NOTHING
            if not is_whole_head(held):
                return Arrived.HEAD
            self._head_is_whole, self._size = True, whole_size(held)
        if self._size is None:
            return Arrived.UPLOAD
        return Arrived.WHOLE if self.held >= self._size else Arrived.BODY


class Received(Unreader):  # type: ignore[misc]
    """Bytes received from a client and not yet parsed. More is received only for a body."""

    def __init__(self, client: ClientSocket) -> None:
        super().__init__()
        self._client = client
        self._head: int | None = None
        self.continue_expected = False

    def append(self, data: bytes) -> None:
        """Add received bytes."""
        self.buf.seek(0, os.SEEK_END)
        self.buf.write(data)

    def begin_head(self) -> None:
        """Start reading a head, from the received bytes only."""
        self._head = self.buf.getbuffer().nbytes
        self._client.expect()

    def end_head(self, *, continue_expected: bool) -> None:
        """Start reading a body; the client may be waiting for "100 Continue"."""
        self._head = None
        self.continue_expected = continue_expected

    def chunk(self, size_hint: int | None = None) -> bytes:
        """The next bytes of a body, none at the end. Raises TimeoutError, ConnectionError."""
        if self._head is not None:
            raise LimitRequestHeaders("too long") if self._head > MAX_HEAD else InvalidRequestLine("without an end")
        if self.continue_expected:
            self.continue_expected = False
            self._client.sendall(_CONTINUE)
        return self._client.recv(min(max(size_hint or 0, 1 << 13), 1 << 20))


class Request(GunicornRequest):  # type: ignore[misc]
    """A request. With `Expect: 100-continue` the client is asked for the body when it is read, so that a refused body
    is never sent."""

    version: tuple[int, int]
    _expected_100_continue: bool

    def __init__(self, configuration: Any, received: Received, *rest: Any) -> None:
        received.begin_head()
        super().__init__(configuration, received, *rest)
        self.version = min(self.version, HIGHEST_VERSION)
        for coding in self._values("TRANSFER-ENCODING"):
            if coding.lower() != "chunked":  # gunicorn lets some through, and decodes none
                raise UnsupportedTransferCoding(coding)
        self._check_host()
        received.end_head(continue_expected=self._expected_100_continue)
        self._received = received
        self._expected_100_continue = False

    def should_close(self) -> bool:
        """Whether the connection ends with the reply, because either side wants it to or because a body was not
        read."""
        options = [each.strip() for value in self._values("CONNECTION") for each in value.lower().split(",")]
        self.must_close = bool(super().should_close()) or "close" in options or not self._ends_soon()
        return self.must_close

    def _values(self, wanted: str) -> list[str]:
        """The values of the headers with this name, in capitals."""
        return [value for name, value in self.headers if name == wanted]

    def _check_host(self) -> None:
        """RFC 9112, section 3.2; gunicorn refuses a second `Host` itself."""
        hosts = self._values("HOST")
        if not all(map(HOST.fullmatch, hosts)) or (not hosts and self.version >= (1, 1)):
            raise InvalidHeader("HOST")

    def _ends_soon(self) -> bool:
        if self.body.failed:
            return False
        reader = self.body.reader
        if isinstance(reader, ChunkedReader):
            return reader.parser is None
        return reader.length == 0 or (reader.length <= SMALL_REST and not self._received.continue_expected)
