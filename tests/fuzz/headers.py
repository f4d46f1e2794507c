"""Request lines and headers with odd names, values and numbers of them, as bytes: each gets an answer of HTTP or the
connection is closed, and the next request is served."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from random import Random
from typing import Final

from tests.fuzz.cases import Case
from tests.fuzz.mutating import ODD_NUMBERS, ODD_TEXTS, changed_bytes
from tests.fuzz.serving import KEY, Served, served

NAMES: Final = (
    *("Host", "Content-Length", "Transfer-Encoding", "Content-Type", "Content-Encoding", "Connection", "Expect", "TE"),
    *("Authorization", "Accept", "Accept-Encoding", "Accept-Language", "Cache-Control", "Range", "If-Range", "Cookie"),
    *("If-None-Match", "If-Modified-Since", "Origin", "Referer", "User-Agent", "Upgrade", "Last-Event-ID", "Date"),
    *(
        "X-Forwarded-For",
        "X-Forwarded-Proto",
        "X-Forwarded-Host",
        "Forwarded",
        "X-Request-Id",
        "SCRIPT_NAME",
        "Trailer",
    ),
    *("Access-Control-Request-Method", "Sec-WebSocket-Key", "HTTP2-Settings", "Max-Forwards"),
)
VALUES: Final = (
    *("", " ", "\t", ",", ";", "=", '"', "*", "0", "-1", "+5", "0x10", "5, 5", "chunked", "gzip, chunked", "identity"),
    *("100-continue", "close", "keep-alive", "upgrade", "bytes=0-", "bytes=5-1", "q=NaN", "[::1", "a" * 9000, "\x7f"),
    *("Bearer", f"Bearer {KEY}", "Basic ====", "no-cache", "max-age=" + "9" * 300, "multipart/form-data; boundary="),
)
METHODS: Final = (
    "GET",
    "GET",
    "GET",
    "POST",
    "POST",
    "HEAD",
    "OPTIONS",
    "PUT",
    "DELETE",
    "TRACE",
    "CONNECT",
    "get",
    "",
)
TARGETS: Final = (
    *(
        "/healthz",
        "/generate",
        "/models",
        "/",
        "/static/app.css",
        "/openapi.json",
        "/corpora",
        "/%00",
        "/%ff",
        "//a",
        "*",
    ),
    *(
        "http://a/healthz",
        "/healthz?" + "a=1&" * 500,
        "/a" * 3000,
        "/../../etc/passwd",
        "/models/%2e%2e",
        "/é",
        "?",
        "",
    ),
)
BODY: Final = b'{"prompt": "abc", "length": 3}'


def _line(random: Random) -> bytes:
    name = random.choice((*NAMES, *NAMES, *(text[:50] for text in ODD_TEXTS)))
    value = random.choice((*VALUES, *VALUES, *ODD_TEXTS, *map(str, ODD_NUMBERS)))
    between = random.choice((": ",) * 60 + (":", " : ", "", ":\t", ":\0", "\r\n "))
    return f"{name}{between}{value}".encode("utf-8", "surrogatepass")


def _request(random: Random) -> bytes:
    lines = [_line(random) for _ in range(random.choice((0, 1, 1, 2, 2, 5, 150)))]
    if random.random() < 0.9:
        lines.append(b"Host: a")
    if random.random() < 0.5:
        lines.append(b"Content-Length: %d" % random.choice((len(BODY), len(BODY), 0, 5)))
        lines.append(b"Content-Type: application/json")
    if random.random() < 0.5:
        lines.append(b"Authorization: Bearer " + KEY.encode())
    random.shuffle(lines)
    version = random.choice(("HTTP/1.1",) * 6 + ("HTTP/1.0", "HTTP/2.0", "HTTP/9", "http/1.1", ""))
    first = f"{random.choice(METHODS)} {random.choice(TARGETS)} {version}".encode()
    end = random.choice((b"\r\n",) * 20 + (b"\n", b"\r"))
    data = end.join([first, *lines, b"", b""]) + (BODY if random.random() < 0.6 else b"")
    return changed_bytes(random, data) if random.random() < 0.1 else data


def _case(serving: Served, random: Random) -> str:
    data = _request(random)
    status = serving.send(data, ends=True).status
    assert status < 500 or status in (501, 503, 505), f"{status} for {data[:500]!r}"
    calm = serving.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", ends=False).status
    assert calm == 200, f"{calm} for the next request, after {data[:500]!r}"
    return str(status or "closed")


@contextmanager
def answered() -> Iterator[Case]:
    """Each request is answered or closed."""
    with served() as serving:
        yield partial(_case, serving)
