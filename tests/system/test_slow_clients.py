"""Clients that are slow to send, to read and to leave, more than a process has threads: none holds up another."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.ports import free_port
from tests.system.proxy import needs_nginx, proxy
from tests.system.web import Web, http
from tests.waiting import LONGEST

pytestmark = pytest.mark.system

THREADS = 2
MANY = 40
PATIENCE = 2.0
POST = b"POST /generate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
CLOSE = {
    "HTTP/1.0": b"GET /healthz HTTP/1.0\r\n\r\n",
    "Connection: close": b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "broken": b"GARBAGE\r\n\r\n",
}
HALF = {
    "nothing": b"",
    "half a request line": b"GET /heal",
    "half of the headers": b"GET /healthz HTTP/1.1\r\nHost: x\r\n",
    "half a body": POST + b"Content-Length: 100\r\n\r\n{",
    "half a chunk": POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
}


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    web = Web(
        tmp_path_factory.mktemp("slow") / "data",
        WEB_THREADS=str(THREADS),
        CLIENT_TIMEOUT=str(PATIENCE),
        ADMIN_API_KEYS="admin-key",
    )
    try:
        web.wait_until_ready()
        yield web
        assert web.end() == 0
    finally:
        web.process.kill()
        web.process.wait()


@contextmanager
def connections(port: int, data: bytes, count: int) -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        made = [
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=LONGEST)) for _ in range(count)
        ]
        for each in made:
            each.sendall(data)
        yield made


def answer(connection: socket.socket) -> tuple[int, bytes, Any]:
    """Status, headers and JSON of a reply after which the server ends."""
    received = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head[9:12]), head, json.loads(body)


@pytest.mark.parametrize("name", CLOSE)
def test_clients_that_stay_after_the_end(web: Web, name: str) -> None:
    with connections(web.port, CLOSE[name], MANY) as staying:
        for each in staying:
            assert answer(each)[0] == (400 if name == "broken" else 200)
        began = time.monotonic()
        web.get("/healthz")
        assert time.monotonic() - began < MANY * 2 / THREADS / 2, "each of them would take two seconds"


def test_requests_that_never_end(web: Web) -> None:
    with ExitStack() as stack:
        waiting = {name: stack.enter_context(connections(web.port, HALF[name], MANY)) for name in HALF}
        for _ in range(THREADS + 1):
            assert web.get("/healthz")
        assert waiting.pop("nothing")[0].recv(1) == b""
        for name, each in waiting.items():
            status, head, body = answer(each[0])
            assert (status, body["error"]["code"], body["error"]["param"]) == (408, "request_timeout", None), name
            assert b"Connection: close" in head
            assert "CLIENT_TIMEOUT" in body["error"]["message"]


@pytest.mark.parametrize("before", [b"GET /healthz HTTP/1.1\r\nX: ", POST + b"Content-Length: 100000\r\n\r\n"])
def test_one_byte_at_a_time(web: Web, before: bytes) -> None:
    with connections(web.port, before, 1) as (trickling,):
        trickling.settimeout(0.05)
        for _ in range(400):
            trickling.send(b"x")
            try:
                assert trickling.recv(1000).startswith(b"HTTP/1.1 408")
                return
            except TimeoutError:
                continue
    pytest.fail("was never given up")


def test_an_upload_that_takes_longer_than_the_patience(web: Web) -> None:
    size, pieces = 2000, 30
    head = b"POST /corpora HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nAuthorization: Bearer admin-key\r\n"
    head += b"Connection: close\r\nContent-Length: %d\r\n\r\n" % (size * pieces)
    with connections(web.port, head, 1) as (sending,):
        for piece in range(pieces):
            sending.sendall((b"%06d " % piece) * (size // 7) + b"\n" * (size % 7))
            time.sleep(1.5 * PATIENCE / pieces)
        status, _, body = answer(sending)
    assert (status, body["bytes"]) == (201, size * pieces)


def test_uploads_that_trickle_leave_threads_to_others(web: Web) -> None:
    head = "POST /corpora HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nAuthorization: Bearer admin-key\r\n"
    large = f"{head}Content-Length: 100000000\r\n\r\n".encode()
    with connections(web.port, large, MANY) as trickling:
        for each in trickling:
            each.sendall(b"x")
        for _ in range(THREADS + 1):
            assert web.get("/healthz")
    small = f"{head}Connection: close\r\nContent-Length: 5\r\n\r\n".encode() + b"abcd\n"
    with connections(web.port, small, 1) as (quick,):
        assert answer(quick)[0] == 201


def test_clients_that_do_not_read_are_cut_off(web: Web) -> None:
    asked = http({"stream": True, "length": 1000, "n": 10, "seed": 1, "logprobs": 20})
    with connections(web.port, asked, THREADS + 1) as silent:
        for each in silent:
            assert each.recv(12) == b"HTTP/1.1 200"
        for _ in range(THREADS + 1):
            assert web.get("/healthz")
        time.sleep(3 * PATIENCE)
        received = bytearray()
        with suppress(ConnectionResetError):
            while piece := silent[0].recv(1 << 16):
                received += piece
        assert b"data: " in received
        assert b"[DONE]" not in received


REFUSED = [
    ("/corpora", "text/plain", 401),
    ("/nothing", "text/plain", 404),
    ("/healthz", "text/plain", 405),
    ("/generate", "application/json", 413),
    ("/generate", "text/plain", 415),
]


def refused(path: str, kind: str, size: int, more: str = "") -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\n{more}\r\n"
    return head.encode()


@pytest.mark.parametrize(("path", "kind", "status"), REFUSED)
@pytest.mark.parametrize("size", [20_000_000, 100_000])
def test_a_reply_reaches_a_client_that_goes_on_sending(web: Web, path: str, kind: str, status: int, size: int) -> None:
    if status == 413 and size < 4 << 20:
        size = 5 << 20
    with connections(web.port, refused(path, kind, size), 1) as (sending,):
        for _ in range(size // 50_000):
            sending.sendall(b"a" * 50_000)
        got, head, body = answer(sending)
    assert (got, set(body["error"])) == (status, {"type", "code", "message", "param"})
    assert b"Connection: close" in head


def test_a_small_body_that_is_refused_leaves_the_connection_open(web: Web) -> None:
    with connections(web.port, b"", 1) as (connection,):
        for _ in range(3):
            connection.sendall(refused("/corpora", "text/plain", 10_000) + b"a" * 10_000)
            reply = b""
            while b'"param"' not in reply:
                reply += connection.recv(65536)
            assert reply.startswith(b"HTTP/1.1 401")
            assert b"Connection: keep-alive" in reply


def test_a_body_that_is_announced_is_asked_for_only_when_it_is_wanted(web: Web) -> None:
    expecting = "Expect: 100-continue\r\n"
    with connections(web.port, refused("/corpora", "text/plain", 30_000, expecting), 1) as (connection,):
        assert answer(connection)[0] == 401
    asked = http({"length": 3}, more=f"{expecting}Connection: close\r\n")
    head, _, body = asked.partition(b"\r\n\r\n")
    with connections(web.port, head + b"\r\n\r\n", 1) as (connection,):
        assert connection.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert answer(connection)[0] == 200


@needs_nginx
def test_refusals_come_through_a_proxy(web: Web, tmp_path: Path) -> None:
    port = free_port()
    with proxy(tmp_path, port, [web.port, web.port]):
        for path, kind, status in REFUSED:
            for _ in range(3):
                head = refused(path, kind, 20_000_000, "Connection: close\r\n")
                with connections(port, head, 1) as (sending,):
                    for _ in range(400):
                        sending.sendall(b"a" * 50_000)
                    got, _, body = answer(sending)
                assert (got, set(body["error"])) == (status, {"type", "code", "message", "param"})
