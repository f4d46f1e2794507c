from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.http.errors import InvalidHeader, InvalidRequestLine, LimitRequestHeaders
from hypothesis import given
from hypothesis import strategies as st

from service.processes.web_server.client_socket import ClientSocket
from service.processes.web_server.framing import MAX_HEAD, Arrived
from service.processes.web_server.request_parser import SMALL_REST, Parser
from service.processes.web_server.thread_pool import ThreadPool


class Connected:
    """A client's end of a connection, and the parser of what it sends."""

    def __init__(self, patience: float = 20) -> None:
        self.far, near = socket.socketpair()
        self.near = ClientSocket(near, ThreadPool(1), patience)
        self.parser = Parser(Config(), self.near, ("127.0.0.1", 1))

    def request(self, data: bytes) -> Any:
        self.parser.feed(data)
        assert self.parser.arrived in (Arrived.WHOLE, Arrived.BODY, Arrived.UPLOAD)
        return next(self.parser)

    def close(self) -> None:
        self.far.close()
        self.near.close()


@pytest.fixture(params=[20.0])
def connected(request: pytest.FixtureRequest) -> Iterator[Connected]:
    with closing(Connected(request.param)) as made:
        yield made


@given(st.binary(max_size=300), st.binary(max_size=20))
def test_any_bytes_are_a_request_or_an_error_and_never_wait(data: bytes, end: bytes) -> None:
    with closing(Connected()) as made:
        made.parser.feed(b"GET " + data + end)
        try:
            if made.parser.arrived in (Arrived.WHOLE, Arrived.BODY, Arrived.UPLOAD):
                next(made.parser)
        except Exception as error:
            assert type(error).__module__ == "gunicorn.http.errors"


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"GET / HTTP/1.1\r\nA: b\n", Exception),
        (b"GET / HTTP/1.1\r\nA: " + b"b" * MAX_HEAD, LimitRequestHeaders),
        (b"\x16\x03\x01", InvalidRequestLine),
    ],
)
def test_a_head_without_an_end(connected: Connected, data: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        connected.request(data)


def named(host: bytes) -> bytes:
    return b"GET / HTTP/1.1\r\nHost:" + host + b"\r\n\r\n"


@pytest.mark.parametrize(
    "host",
    [b"", b"x", b"a_b.example.", b"X:80", b"x:", b"127.0.0.1:8000", b"[::1]:80", b"[fe80::1]", b"%C3%A4.example"],
)
def test_a_request_for_a_host(connected: Connected, host: bytes) -> None:
    assert connected.request(named(host)).path == "/"


@pytest.mark.parametrize(
    "host", [b"x y", b"x, y", b"x/", b"u@x", b"x:y", b"x:80:80", b"[::1", b"::1", b"\xe4", b"%zz", b'"x"', b"x?", b"[]"]
)
def test_no_request_for_what_is_no_host(connected: Connected, host: bytes) -> None:
    with pytest.raises(InvalidHeader):
        connected.request(named(host))


@pytest.mark.parametrize(
    "head", [b"GET / HTTP/1.1\r\n", b"GET http://x/ HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nXHost: x\r\n"]
)
def test_every_request_since_http_1_1_names_its_host(connected: Connected, head: bytes) -> None:
    with pytest.raises(InvalidHeader):
        connected.request(head + b"\r\n")
    assert connected.request(head.replace(b"1.1", b"1.0") + b"\r\n").path == "/"


def test_no_request_for_two_hosts(connected: Connected) -> None:
    with pytest.raises(InvalidHeader):
        connected.request(named(b"x\r\nHost: x"))


POST = b"POST / HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize(
    ("head", "sent", "closes"),
    [
        (b"\r\n", b"", False),
        (b"Content-Length: 3\r\n\r\n", b"abc", False),
        (b"Content-Length: %d\r\n\r\n" % SMALL_REST, b"a" * SMALL_REST, False),
        (b"Content-Length: %d\r\n\r\n" % (SMALL_REST + 1), b"", True),
        (b"Transfer-Encoding: chunked\r\n\r\n", b"3\r\nabc\r\n0\r\n\r\n", True),
        (b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n", b"", True),
        (b"Expect: 100-continue\r\nContent-Length: 0\r\n\r\n", b"", False),
        (b"Connection: close\r\n\r\n", b"", True),
    ],
)
def test_a_connection_ends_with_a_large_unread_body(
    connected: Connected, head: bytes, sent: bytes, closes: bool
) -> None:
    request = connected.request(POST + head)
    assert request.should_close() is closes
    if not closes:
        connected.far.sendall(sent + b"GET /next HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connected.parser.skip_body()
        connected.parser.feed(connected.near.receive(1000) or b"")
        assert next(connected.parser).path == "/next"


def test_a_body_that_was_read_leaves_the_connection_open(connected: Connected) -> None:
    request = connected.request(POST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
    assert request.body.read() == b"abc"
    assert not request.should_close()


def test_the_client_gets_continue_when_its_body_is_read(connected: Connected) -> None:
    request = connected.request(POST + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n")
    connected.far.setblocking(False)
    with pytest.raises(BlockingIOError):
        connected.far.recv(100)
    connected.far.sendall(b"abc")
    assert request.body.read() == b"abc"
    assert connected.far.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert not request.should_close()


@pytest.mark.parametrize("connected", [0.05], indirect=True)
def test_a_body_that_does_not_come(connected: Connected) -> None:
    request = connected.request(POST + b"Content-Length: 30\r\n\r\n{")
    with pytest.raises(TimeoutError, match="CLIENT_TIMEOUT"):
        request.body.read()
    assert request.should_close()
