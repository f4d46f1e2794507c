from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from gunicorn.http.errors import ChunkMissingTerminator, InvalidChunkSize, NoMoreData
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wsgi import LimitedStream

from service.api.http.errors import ApiError
from service.api.http.exceptions import to_api_error
from service.api.http.parsing import whole_body

JSON = {"Content-Type": "application/json"}


def refused(read: Callable[[], object]) -> ApiError:
    with pytest.raises(Exception) as raised, whole_body():
        read()
    return to_api_error(raised.value)


class Broken:
    """A stream whose next piece does not come; like gunicorn's, it has no more than `read`."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def read(self, size: int) -> bytes:
        raise self.error


CLIENTS = [
    (NoMoreData(), 400, "incomplete_body"),
    (InvalidChunkSize(b"zz"), 400, "incomplete_body"),
    (ChunkMissingTerminator(b""), 400, "incomplete_body"),
    (ConnectionResetError(errno.ECONNRESET, "reset"), 400, "incomplete_body"),
    (ValueError("no boundary"), 400, "incomplete_body"),
    (TimeoutError("nothing came for 30 s"), 408, "request_timeout"),
]


@pytest.mark.parametrize(("error", "status", "code"), CLIENTS, ids=lambda each: str(each)[:30])
def test_what_the_client_did(error: Exception, status: int, code: str) -> None:
    def directly() -> None:
        raise error

    got = refused(directly)
    assert (got.status, got.code) == (status, code)


@pytest.mark.parametrize("error", [TimeoutError("nothing came for 30 s"), ConnectionResetError(errno.ECONNRESET, "")])
def test_what_werkzeug_hides(error: Exception) -> None:
    broken: Any = Broken(error)
    stream = LimitedStream(broken, 10, is_max=True)
    assert refused(stream.read).status == (408 if isinstance(error, TimeoutError) else 400)


@pytest.mark.parametrize(
    ("number", "status", "code"),
    [(errno.ENOSPC, 503, "disk_full"), (errno.EDQUOT, 503, "disk_full"), (errno.EIO, 500, "internal_error")],
)
def test_what_the_system_did(number: int, status: int, code: str) -> None:
    def write() -> None:
        raise OSError(number, "refused")

    got = refused(write)
    assert (got.status, got.code) == (status, code)


def test_what_was_judged_already() -> None:
    def judge() -> None:
        raise RequestEntityTooLarge

    assert refused(judge).status == 413


def test_a_byte_order_mark_is_no_part_of_the_body(client: FlaskClient) -> None:
    body = b'\xef\xbb\xbf{"prompt": "a", "length": 1}'
    for route in ("/generate", "/tokenize"):
        reply = client.post(route, data=body if route == "/generate" else b'\xef\xbb\xbf{"text": "a"}', headers=JSON)
        assert reply.status_code == 200, reply.text
    assert client.post("/generate", data=b"\xef\xbb\xbf" * 2 + b"{}", headers=JSON).status_code == 400


@pytest.mark.parametrize(
    ("charset", "status"),
    [
        ("utf-8", 200),
        ("UTF-8", 200),
        ('"utf8"', 200),
        ("iso-8859-1", 415),
        ("utf-16", 415),
        ("utf-7", 415),
        ("utf-8-sig", 415),
        ("klingon", 415),
        ("hex", 415),
    ],
)
def test_json_is_utf_8_whatever_is_declared(client: FlaskClient, charset: str, status: int) -> None:
    headers = {"Content-Type": f"application/json; charset={charset}"}
    reply: Any = client.post("/generate", data=b'{"length": 1}', headers=headers)
    assert reply.status_code == status, reply.text
    if status == 415:
        assert "utf-8" in reply.json["error"]["message"]
