"""The client against a server that answers what it is told to."""

from __future__ import annotations

import ast
import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from service import client as module
from service.client import Client, ServiceError

Answer = tuple[int, dict[str, str], bytes]


class Told(HTTPServer):
    """Gives its answers in order, and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[Answer] = []
        self.asked: list[tuple[str, dict[str, str], bytes]] = []


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Told)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.path, dict(self.headers), body))
        status, headers, data = self.server.answers.pop(0)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_DELETE = do_POST

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Told]:
    with Told() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def client(server: Told) -> Client:
    return Client(f"http://127.0.0.1:{server.server_port}/prefix/", "the-key", retries=1)


def error(code: str) -> bytes:
    return json.dumps({"error": {"type": "t", "code": code, "message": "no", "param": None}}).encode()


MODELS: Answer = (200, {}, b'{"models": []}')
BUSY: Answer = (429, {"Retry-After": "0"}, error("busy"))


def test_what_is_sent(server: Told, client: Client) -> None:
    server.answers = [MODELS]
    assert client.models() == []
    ((path, headers, _),) = server.asked
    assert path == "/prefix/models"
    assert headers["Authorization"] == "Bearer the-key"


def test_an_answer_that_says_nothing(server: Told, client: Client) -> None:
    server.answers = [(204, {}, b"")]
    client.delete_alias("plays & more", "stable")
    assert server.asked[0][0] == "/prefix/models/plays%20%26%20more/aliases/stable"


def test_busy_is_waited_for(server: Told, client: Client) -> None:
    server.answers = [BUSY, MODELS]
    assert client.models() == []


def test_busy_for_too_long(server: Told, client: Client) -> None:
    server.answers = [BUSY, BUSY, MODELS]
    with pytest.raises(ServiceError) as caught:
        client.models()
    assert (caught.value.status, caught.value.code) == (429, "busy")
    server.answers = [(503, {"Retry-After": "100000"}, error("down")), MODELS]
    with pytest.raises(ServiceError, match="no"):
        client.models()


@pytest.mark.parametrize("data", [b"", b"<html>", b"{}", b"\xff"])
def test_an_error_in_another_shape(server: Told, client: Client, data: bytes) -> None:
    server.answers = [(502, {}, data)]
    with pytest.raises(ServiceError, match="502") as caught:
        client.models()
    assert caught.value.status == 502


@pytest.mark.parametrize(
    ("data", "code"), [(b"", "connection_lost"), (b"data: " + error("internal_error") + b"\n\n", "internal_error")]
)
def test_a_stream_that_breaks_off(server: Told, client: Client, data: bytes, code: str) -> None:
    piece = b': keep-alive\n\ndata: {"index": 0, "text": "a", "seed": 1, "finish_reason": null}\n\n'
    server.answers = [(200, {}, piece + data)]
    pieces = client.stream("x")
    assert next(pieces).text == "a"
    with pytest.raises(ServiceError) as caught:
        next(pieces)
    assert caught.value.code == code


def test_a_file_is_sent_with_its_size(server: Told, client: Client, tmp_path: Path) -> None:
    server.answers = [(201, {}, b'{"id": "x", "job": {"error": null}}')]
    file = tmp_path / "plays & more.txt"
    file.write_bytes(b"to be")
    assert client.upload(file)["id"] == "x"
    ((path, headers, body),) = server.asked
    assert (path, body) == ("/prefix/corpora?name=plays+%26+more.txt", b"to be")
    assert headers["Content-Length"] == "5"


def test_a_job_that_failed_is_no_error_of_the_request(server: Told, client: Client) -> None:
    server.answers = [(200, {}, b'{"id": "x", "error": "the disk is full"}')]
    assert client.job("x")["error"] == "the disk is full"


TRACE = {"model": "m", "version": 2, "tokens": ["a"], "surprisal": [None], "top": [[]], "cells": []}


def test_a_trace_and_its_picture(server: Told, client: Client) -> None:
    server.answers = [(200, {}, json.dumps(TRACE).encode()), BUSY, (200, {}, b"\x89PNG")]
    assert client.trace("a", [{"layer": 0}], model="m").surprisal == [None]
    assert client.picture("a", {"layer": 0, "unit": 5}) == b"\x89PNG"
    (_, plain, body), _, (path, headers, _) = server.asked
    assert (path, headers["Accept"], "Accept" in plain) == ("/prefix/trace", "image/png", False)
    assert json.loads(body) == {"text": "a", "cells": [{"layer": 0}], "model": "m"}


def test_what_cells_follow(server: Told, client: Client) -> None:
    server.answers = [(200, {}, b'{"cells": []}'), (200, {}, b'{"cells": []}'), (200, {}, b"<svg/>")]
    assert client.cells("c/d", 3) == client.find_cells("c/d", 3, corpus="abc") == {"cells": []}
    assert client.cell_picture("c/d", 3, "comment", "svg") == b"<svg/>"
    path = "/prefix/models/c%2Fd/versions/3/cells"
    assert [(asked, body) for asked, _, body in server.asked] == [
        (path, b""),
        (path, b'{"corpus": "abc"}'),
        (f"{path}/comment.svg", b""),
    ]


def test_a_picture_that_there_is_not(server: Told, client: Client) -> None:
    server.answers = [(422, {}, error("unknown_cell"))]
    with pytest.raises(ServiceError) as caught:
        client.picture("a", {"layer": 9, "unit": 5}, kind="image/svg+xml")
    assert caught.value.code == "unknown_cell"


def test_it_can_be_copied_anywhere() -> None:
    tree = ast.parse(Path(module.__file__).read_text())
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported <= set(sys.stdlib_module_names)
