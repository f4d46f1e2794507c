"""Connections that stay open for many requests, and more of them than a process has threads."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from http.client import HTTPConnection, parse_headers
from pathlib import Path

import pytest

from service.bootstrap.starter import STARTER_PATH
from service.processes.web_server.request_handler import LINGER_SECONDS
from tests.system.conftest import ADMIN_KEY
from tests.system.running import Service
from tests.system.web import Web, http

pytestmark = pytest.mark.system

ASKED = {"prompt": "ROMEO:", "length": 20, "seed": 3, "cache": False}


def connected(port: int) -> HTTPConnection:
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    connection.connect()
    return connection


def text(connection: HTTPConnection) -> str:
    connection.request("POST", "/generate", json.dumps(ASKED), {"Content-Type": "application/json"})
    reply = connection.getresponse()
    made: str = json.loads(reply.read())["text"]
    return made


def test_one_connection_for_replies_of_all_kinds_whether_they_follow_at_once_or_later(asked: Service) -> None:
    connection = connected(asked.port)
    first = connection.sock
    expected = asked.request("/generate", ASKED)["text"]
    for pause in (0, LINGER_SECONDS / 2, 3 * LINGER_SECONDS):
        assert text(connection) == expected
        time.sleep(pause)
        for method, path, status in (("HEAD", "/healthz", 200), ("GET", "/nothing", 404), ("OPTIONS", "/healthz", 200)):
            connection.request(method, path)
            reply = connection.getresponse()
            length = len(reply.read())
            assert reply.status == status
            assert method == "HEAD" or length == int(reply.headers["Content-Length"])
        connection.request(
            "GET", "/models/shakespeare/versions/1/weights", headers={"Authorization": f"Bearer {ADMIN_KEY}"}
        )
        assert connection.getresponse().read() == STARTER_PATH.read_bytes()
    assert connection.sock is first, "the server has closed it"
    connection.close()


def test_requests_that_are_sent_before_the_last_one_is_answered(asked: Service) -> None:
    expected = asked.request("/generate", ASKED)["text"]
    with (
        socket.create_connection(("127.0.0.1", asked.port), timeout=20) as connection,
        connection.makefile("rb") as file,
    ):
        connection.sendall(3 * http(ASKED))
        for _ in range(3):
            assert file.readline() == b"HTTP/1.1 200 OK\r\n"
            headers = parse_headers(file)
            assert json.loads(file.read(int(headers["Content-Length"])))["text"] == expected


@pytest.fixture
def narrow(tmp_path: Path) -> Iterator[Web]:
    web = Web(tmp_path / "data", WEB_THREADS="2")
    try:
        web.wait_until_ready()
        yield web
    finally:
        web.process.kill()
        web.process.wait()


def test_connections_that_wait_hold_no_thread_that_others_need(narrow: Web) -> None:
    connections = [connected(narrow.port) for _ in range(12)]
    assert len({text(connection) for _ in range(4) for connection in connections}) == 1
    for connection in connections:
        connection.close()
    assert narrow.end() == 0
