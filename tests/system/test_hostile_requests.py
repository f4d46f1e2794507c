"""Requests that two servers could read in two ways: each gets exactly these replies, and after one that leaves open
where the next request begins, nothing that follows is read as another."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator

import pytest

from tests.system.running import Service
from tests.waiting import LONGEST

pytestmark = pytest.mark.system

FOLLOWING = b"GET /another HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
"""What follows on the connection: 404, if it is read as a request."""
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
JSON = b'{"text":"a"}'
LENGTH = b"Content-Length: %d\r\n" % len(JSON)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
CHUNKS = b"c\r\n" + JSON + b"\r\n0\r\n\r\n"
TYPE = b"Content-Type: application/json\r\n"

ENDS, GOES_ON = [400], [200, 404]


def post(headers: bytes, body: bytes = JSON, path: bytes = b"/tokenize", version: bytes = b"1.1") -> bytes:
    return b"POST " + path + b" HTTP/" + version + b"\r\nHost: x\r\n" + TYPE + headers + b"\r\n" + body


def length(value: bytes) -> bytes:
    return post(b"Content-Length:" + value + b"\r\n")


def coding(value: bytes, more: bytes = b"") -> bytes:
    return post(b"Transfer-Encoding:" + value + b"\r\n" + more, CHUNKS)


def chunks(body: bytes) -> bytes:
    return post(CHUNKED, body)


def line(text: bytes) -> bytes:
    return text + b"\r\nHost: x\r\n\r\n"


LENGTHS = {
    "with chunks (CL.TE)": (post(b"Content-Length: %d\r\n" % len(CHUNKS) + CHUNKED, CHUNKS), ENDS),
    "after chunks (TE.CL)": (post(CHUNKED + b"Content-Length: 4\r\n", CHUNKS), ENDS),
    "with chunks, shorter": (post(b"Content-Length: 6\r\n" + CHUNKED, b"0\r\n\r\nG"), ENDS),
    "twice": (post(LENGTH + LENGTH), ENDS),
    "two": (post(LENGTH + b"Content-Length: 5\r\n"), ENDS),
    "two, one of another name": (post(b"Content_Length: 5\r\n" + LENGTH), GOES_ON),
    "on the next line": (length(b"\r\n 12"), ENDS),
    "space before the colon": (post(b"Content-Length : 12\r\n"), ENDS),
    "tab before the colon": (post(b"Content-Length\t: 12\r\n"), ENDS),
    "a named header of the connection": (post(b"Connection: Content-Length\r\n" + LENGTH), GOES_ON),
    "tabs around": (length(b"\t12\t"), GOES_ON),
    "zeros": (length(b" 0000012"), GOES_ON),
    "larger than 64 bits": (length(b" 18446744073709551628"), [413]),
    **{
        f"{odd!r}": (length(odd), ENDS)
        for odd in (
            b" 12, 12",
            b" +12",
            b" -12",
            b" 0xc",
            b" 1_2",
            b" 12.0",
            b" ",
            b" 1\xb2",
            b" \xa012",
            b" \x0b12",
            b" 12;",
        )
    },
    "5000 digits": (length(b" " + b"9" * 5000), ENDS),
}
CODINGS = {
    "CHUNKED": (coding(b" CHUNKED"), GOES_ON),
    "on the next line": (coding(b"\r\n chunked"), ENDS),
    "space before the colon": (post(b"Transfer-Encoding : chunked\r\n", CHUNKS), ENDS),
    "chunked twice": (coding(b" chunked, chunked"), ENDS),
    "two headers": (post(CHUNKED + CHUNKED, CHUNKS), ENDS),
    "chunked before identity": (coding(b" chunked, identity"), ENDS),
    "no chunks in the end": (post(b"Transfer-Encoding: identity\r\n" + LENGTH), ENDS),
    "in HTTP/1.0": (post(CHUNKED, CHUNKS, version=b"1.0"), ENDS),
    "not read": (GET + CHUNKED + b"\r\n" + CHUNKS, [200]),
    **{f"{odd!r}": (coding(odd), ENDS) for odd in (b" \x0bchunked", b" chunked\x00")},
    **{
        f"{odd!r}": (coding(odd), [501])
        for odd in (
            b" xchunked",
            b' "chunked"',
            b" chunked;a=b",
            b" ,chunked,",
            b" gzip, chunked",
            b" identity, chunked",
            b" br",
        )
    },
}
BODIES = {
    "an extension": (chunks(b"c;a=b\r\n" + JSON + b"\r\n0;c\r\n\r\n"), GOES_ON),
    "zeros before the size": (chunks(b"0" * 100 + CHUNKS), GOES_ON),
    "a trailer": (chunks(CHUNKS[:-2] + b"X: y\r\n\r\n"), GOES_ON),
    **{
        f"size {odd!r}": (chunks(odd + b"\r\n" + JSON + b"\r\n0\r\n\r\n"), ENDS)
        for odd in (b"0xc", b"+c", b"-c", b" c", b"c ", b"", b"b", b"d", b"g", b"c;\x00", b"c;a\nb", b"c;a\rb", b"\xb2")
    },
    **{
        f"trailer {odd!r}": (chunks(CHUNKS[:-2] + odd + b"\r\n\r\n"), ENDS)
        for odd in (
            b"Content-Length: 5",
            b"Transfer-Encoding: chunked",
            b"Host: y",
            b"Authorization: Bearer a",
            b"X Y: z",
            b"X: y\n",
        )
    },
    "many trailers": (chunks(CHUNKS[:-2] + 200 * b"X: y\r\n" + b"\r\n"), ENDS),
    "a large trailer": (chunks(CHUNKS[:-2] + b"X: " + b"y" * 100_000 + b"\r\n\r\n"), ENDS),
    "ends of lines without CR": (chunks(CHUNKS.replace(b"\r", b"")), ENDS),
    "no last chunk": (chunks(CHUNKS[:-5]), ENDS),
    "not read": (GET + LENGTH + b"\r\n" + JSON, GOES_ON),
    "not read, and large": (GET + b"Content-Length: 100000\r\n\r\n" + b"x" * 100_000, [200]),
    "not read, of a wrong type": (post(b"X: y\r\n" + LENGTH).replace(b"/json", b"/xml"), [415, 404]),
    "of no route": (post(LENGTH, path=b"/nothing"), [404, 404]),
    "not JSON": (post(LENGTH, b"x" * len(JSON)), [400, 404]),
}
HEADERS = {
    "99": (GET + b"".join(b"X-%d: y\r\n" % each for each in range(98)) + b"\r\n", GOES_ON),
    "101": (GET + b"".join(b"X-%d: y\r\n" % each for each in range(100)) + b"\r\n", [431]),
    "20,000": (GET + b"".join(b"X-%d: y\r\n" % each for each in range(20_000)) + b"\r\n", [431]),
    "a large one": (GET + b"X: " + b"y" * 70_000 + b"\r\n\r\n", [431]),
    "two hosts": (GET + b"Host: y\r\n\r\n", ENDS),
    "two hosts, the same": (GET + b"Host: x\r\n\r\n", ENDS),
    "no host": (b"GET /healthz HTTP/1.1\r\n\r\n", ENDS),
    "no host in HTTP/1.0": (b"GET /healthz HTTP/1.0\r\n\r\n", [200]),
    "no host, absolute": (b"GET http://x/healthz HTTP/1.1\r\n\r\n", ENDS),
    "an empty host": (b"GET /healthz HTTP/1.1\r\nHost:\r\n\r\n", GOES_ON),
    "an invalid host": (b"GET /healthz HTTP/1.1\r\nHost: x y\r\n\r\n", ENDS),
    "two types": (post(b"Content-Type: text/plain\r\n" + LENGTH), ENDS),
    **{
        f"{odd!r}": (GET + odd + b"\r\n\r\n", ENDS)
        for odd in (
            b"X: a\r\n b",
            b" X: y",
            b"X\x00: y",
            b"X: y\x00",
            b"X: a\rb",
            b"X: a\nY: b",
            b"X",
            b": y",
            b"X\xc3\xa4: y",
            b"(X): y",
            b"\n",
        )
    },
}
LINES = {
    "absolute": (line(b"GET http://x/healthz HTTP/1.1"), GOES_ON),
    "absolute, of another host": (line(b"GET http://evil.example/healthz HTTP/1.1"), GOES_ON),
    "absolute, an admin's": (line(b"GET http://x/jobs HTTP/1.1"), [401, 404]),
    "absolute, with a broken host": (line(b"GET http://[::1/healthz HTTP/1.1"), ENDS),
    "authority": (line(b"GET x:80 HTTP/1.1"), ENDS),
    "CONNECT": (line(b"CONNECT x:80 HTTP/1.1"), [404]),
    "CONNECT a path": (line(b"CONNECT /healthz HTTP/1.1"), [405]),
    "OPTIONS *": (line(b"OPTIONS * HTTP/1.1"), [404, 404]),
    "TRACE": (line(b"TRACE /healthz HTTP/1.1"), [405, 404]),
    "another method": (line(b"BREW /healthz HTTP/1.1"), [405, 404]),
    "too long": (line(b"GET /" + b"x" * 5000 + b" HTTP/1.1"), [414]),
    "HTTP/1.0": (line(b"GET /healthz HTTP/1.0"), [200]),
    "HTTP/1.2": (line(b"GET /healthz HTTP/1.2"), GOES_ON),
    "HTTP/2 begins": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", ENDS),
    "TLS begins": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", ENDS),
    "a proxy's": (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n" + GET + b"\r\n", ENDS),
    "a proxy's in bytes": (b"\r\n\r\n\x00\r\nQUIT\n!\x11\x00\x0c" + b"\x01" * 12, ENDS),
    **{
        f"{odd!r}": (line(odd), ENDS)
        for odd in (
            *(b"GET /healthz", b"GET /healthz HTTP/0.9", b"GET /healthz HTTP/2.0", b"GET /healthz HTTP/1.10", b"GET"),
            *(b"GET /healthz http/1.1", b"get /healthz HTTP/1.1", b"GE(T /healthz HTTP/1.1", b"GET  /healthz HTTP/1.1"),
            *(b"GET\t/healthz\tHTTP/1.1", b"GET /healthz HTTP/1.1 ", b"GET /a b HTTP/1.1", b"GET /\x00 HTTP/1.1"),
            *(b"\x00GET /healthz HTTP/1.1", b"GET /\xc3\xa4 HTTP/1.1", b"GET * HTTP/1.1", b"GET healthz HTTP/1.1"),
            *(b" GET /healthz HTTP/1.1", b"G" * 30 + b" /healthz HTTP/1.1", b"\n", b"GET /healthz HTTP/1.1\n"),
        )
    },
    "ends of lines without CR": (b"GET /healthz HTTP/1.1\nHost: x\n\n", ENDS),
    "ends of lines without LF": (b"GET /healthz HTTP/1.1\rHost: x\r\r", ENDS),
}
CONNECTIONS = {
    "three requests": (3 * (GET + b"\r\n"), [200, 200, 200, 404]),
    "two with bodies": (2 * post(LENGTH), [200, 200, 404]),
    "two with chunks": (2 * chunks(CHUNKS), [200, 200, 404]),
    "an empty line between": (GET + b"\r\n\r\n", GOES_ON),
    "two empty lines between": (GET + b"\r\n\r\n\r\n", [200, 400]),
    "closes": (GET + b"Connection: close\r\n\r\n", [200]),
    "closes, among others": (GET + b"Connection: keep-alive, Close\r\n\r\n", [200]),
    "closes, in a second header": (GET + b"Connection: TE\r\nConnection: close\r\n\r\n", [200]),
    "HTTP/1.0 stays": (b"GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", GOES_ON),
    "expects": (post(b"Expect: 100-continue\r\n" + LENGTH), GOES_ON),
    "expects twice": (post(2 * b"Expect: 100-continue\r\n" + LENGTH), GOES_ON),
    "expects something else": (post(b"Expect: 200-ok\r\n" + LENGTH), [417]),
    "expects, and is refused": (post(b"Expect: 100-continue\r\n" + LENGTH, path=b"/jobs"), [401]),
    "HTTP/2": (
        GET + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
        GOES_ON,
    ),
    "a web socket": (GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n", [400, 404]),
}
CASES = {
    f"{group}: {name}": case
    for group, cases in {
        "length": LENGTHS,
        "coding": CODINGS,
        "body": BODIES,
        "headers": HEADERS,
        "line": LINES,
        "connection": CONNECTIONS,
    }.items()
    for name, case in cases.items()
}


def statuses(received: bytes) -> Iterator[int]:
    """Of each reply among the bytes, which are nothing but replies; 100 Continue is none."""
    while received:
        head, _, received = received.partition(b"\r\n\r\n")
        begun = re.match(rb"HTTP/1\.[01] (\d{3}) ", head)
        assert begun is not None, head[:200]
        if begun[1] == b"100":
            continue
        size = re.search(rb"\r\nContent-Length: (\d+)(\r|$)", head)
        assert size is not None, head
        yield int(begun[1])
        received = received[int(size[1]) :]


@pytest.mark.parametrize("name", CASES)
def test_exactly_these_replies(asked: Service, name: str) -> None:
    data, expected = CASES[name]
    with socket.create_connection(("127.0.0.1", asked.port), timeout=LONGEST) as connection:
        connection.sendall(data + FOLLOWING)
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    assert list(statuses(received)) == expected


@pytest.mark.parametrize("size", [b"7fffffff", b"8000000000000000", b"10000000000000000c", b"f" * 100])
def test_a_chunk_that_never_ends_is_no_second_request(asked: Service, size: bytes) -> None:
    with socket.create_connection(("127.0.0.1", asked.port), timeout=LONGEST) as connection:
        connection.sendall(chunks(size + b"\r\n" + JSON + b"\r\n0\r\n\r\n") + FOLLOWING)
        connection.shutdown(socket.SHUT_WR)
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    assert list(statuses(received)) == [400]
