"""What no client library would send, over a real socket: every answer is in the one shape, and none is a 500."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest

from tests.system.conftest import LONGEST
from tests.system.running import Service
from tests.waiting import until

pytestmark = pytest.mark.system

JSON = b"Content-Type: application/json\r\n"


def send(asked: Service, data: bytes) -> tuple[int, Any]:
    """The status and the JSON of what the bytes are answered with."""
    with socket.create_connection(("127.0.0.1", asked.port), timeout=LONGEST) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"application/json" in head, answer[:500]
    return int(head.split(b" ")[1]), json.loads(body)


def post(headers: bytes, body: bytes = b"", path: bytes = b"/generate") -> bytes:
    return b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + headers + b"\r\n" + body


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GARBAGE\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 400),
        (b"GET /" + b"x" * 10_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET /healthz HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % i for i in range(1000)) + b"\r\n", 431),
        (b"GET /healthz HTTP/1.1\r\nX: " + b"y" * 100_000 + b"\r\n\r\n", 431),
        (b"GET /healthz HTTP/1.1\r\nBad Header: y\r\n\r\n", 400),
        (post(b"Transfer-Encoding: gzip\r\n", b"x"), 400),
        (post(JSON + b"Content-Length: nine\r\n", b"{}"), 400),
        (post(JSON + b"Content-Length: -1\r\n", b"{}"), 400),
        (post(JSON + b"Content-Length: 2\r\nContent-Length: 3\r\n", b"{}"), 400),
        (post(JSON + b"Content-Length: 50\r\n", b"{}"), 400),
        (post(JSON + b"Transfer-Encoding: chunked\r\n", b"zz\r\n{}\r\n0\r\n\r\n"), 400),
        (post(JSON + b"Transfer-Encoding: chunked\r\n", b"2\r\n{}"), 400),
        (post(JSON + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n", b"\x1f\x8b\x08\x00"), 400),
        (post(JSON, b""), 400),
        (post(b"Content-Type: application/json; charset=utf-16\r\nContent-Length: 4\r\n", b"\xff\xfe{\x00"), 415),
        (post(b"Content-Type: text/plain\r\nContent-Length: 2\r\n", b"{}"), 415),
        (post(JSON + b"Content-Length: 99999999999\r\n", b"{}"), 413),
        (b"BREW /generate HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 405),
        (b"GET /%ff%fe/..%2f HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404),
        (b"GET /models/%00 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 422),
    ],
)
def test_what_is_no_proper_request(asked: Service, data: bytes, status: int) -> None:
    got, body = send(asked, data)
    assert got == status
    assert set(body["error"]) == {"type", "code", "message", "param"}


def test_no_header_says_what_a_request_s_path_is(asked: Service) -> None:
    for header in (b"SCRIPT_NAME: /a", b"PATH_INFO: /nothing"):
        head = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + header + b"\r\n\r\n"
        assert send(asked, head) == (200, {"status": "ok"})


def test_a_body_in_chunks_without_a_length(asked: Service) -> None:
    body = b'2\r\n{"\r\n9\r\nlength":3\r\n1\r\n}\r\n0\r\n\r\n'
    status, reply = send(asked, post(JSON + b"Transfer-Encoding: chunked\r\n", body))
    assert (status, reply["usage"]["completion_tokens"]) == (200, 3)


def test_chunks_beyond_the_limit(asked: Service) -> None:
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    status, _ = send(asked, post(JSON + b"Transfer-Encoding: chunked\r\n", chunk * 65 + b"0\r\n\r\n"))
    assert status == 413


def events(lines: Iterator[bytes]) -> Iterator[Any]:
    """The JSON of a stream's events, from the raw bytes of the connection."""
    for line in lines:
        if line.startswith(b"data: {"):
            yield json.loads(line.removeprefix(b"data: ").decode("utf-8", "strict"))


def stream(asked: Service, **fields: Any) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", asked.port), timeout=LONGEST)
    body = json.dumps({"prompt": "ROMEO:", "stream": True, "cache": False, **fields}).encode()
    connection.sendall(post(JSON + b"Content-Length: %d\r\n" % len(body), body))
    return connection


def test_a_stream_comes_in_pieces_long_before_its_end(asked: Service) -> None:
    """The text takes so many seconds that it does not matter how late anyone reads."""
    with stream(asked, length=LONGEST, seed=1) as connection, connection.makefile("rb") as file:
        pieces = islice((event for event in events(iter(file)) if "index" in event), 2)
        assert [piece["finish_reason"] for piece in pieces] == [None, None]


def test_a_stream_is_the_whole_text_and_ends_with_done(asked: Service) -> None:
    with stream(asked, length=3000, seed=1) as connection, connection.makefile("rb") as file:
        lines = list(file)
    assert b"data: [DONE]\n" in lines
    whole = asked.request("/generate", {"prompt": "ROMEO:", "length": 3000, "seed": 1})
    assert "".join(event.get("text", "") for event in events(iter(lines))) == whole["text"]
    assert b"X-Accel-Buffering: no\r\n" in lines


def test_clients_that_disconnect_free_their_slots(asked: Service) -> None:
    """Eight places and four that wait: eight that hang up would otherwise hold them for seconds."""
    for _ in range(4):
        connections = [stream(asked, length=10_000) for _ in range(8)]
        for connection in connections:
            assert connection.recv(1)
            connection.close()

    def all_places_are_free() -> bool:
        return asked.answers("/generate", {"n": 12, "length": 1, "cache": False})

    until(all_places_are_free)
