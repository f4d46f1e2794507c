"""The client against a server with prepared answers."""

from __future__ import annotations

import ast
import json
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote

import pytest

from charrnn.sampling import choice_seed
from service import client as module
from service.bootstrap.web import build_web
from service.client import Client, Record, RecordsSummary, ServiceError
from service.settings import Settings

Answer = tuple[int, dict[str, str], bytes]


class Told(HTTPServer):
    """Gives its answers in order, and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[Answer] = []
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        self.methods: list[str] = []


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Told)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.path, dict(self.headers), body))
        self.server.methods.append(self.command)
        status, headers, data = self.server.answers.pop(0)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_PUT = do_DELETE = do_POST

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
    return Client(f"http://127.0.0.1:{server.server_port}/prefix/", "the-key", retries=1, wait=0)


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


def test_all_pages_of_a_list_are_read(server: Told, client: Client) -> None:
    first = b'{"jobs": [{"id": "c"}, {"id": "b&"}], "has_more": true, "last_id": "b&"}'
    server.answers = [(200, {}, first), (200, {}, b'{"jobs": [{"id": "a"}], "has_more": false, "last_id": "a"}')]
    assert [job["id"] for job in client.jobs()] == ["c", "b&", "a"]
    assert [path for path, _, _ in server.asked] == ["/prefix/jobs", "/prefix/jobs?after=b%26"]


def test_all_versions_of_a_model_are_read(server: Told, client: Client) -> None:
    pages = [{"name": "m", "versions": [{"version": v}], "has_more": v > 1, "last_id": str(v)} for v in (2, 1)]
    server.answers = [(200, {}, json.dumps(page).encode()) for page in pages]
    assert client.model("m")["versions"] == [{"version": 2}, {"version": 1}]


@pytest.mark.parametrize("last", [None, "a"])
def test_a_list_that_never_ends_ends(server: Told, client: Client, last: str | None) -> None:
    server.answers = [(200, {}, json.dumps({"jobs": [], "has_more": True, "last_id": last}).encode())] * 2
    assert client.jobs() == []


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


@pytest.mark.parametrize(
    ("wait", "waits"),
    [
        ("0", True),
        ("-5", True),
        (" 0.01 ", True),
        ("Wed, 21 Oct 2015 07:28:00 GMT", True),
        ("Wed, 21 Oct 2099 07:28:00 GMT", False),
        ("", False),
        ("soon", False),
        ("nan", False),
        ("inf", False),
        ("61", False),
        ("Wed, 99 Oct 2015 07:28:00 GMT", False),
    ],
)
def test_how_long_is_waited_for(server: Told, client: Client, wait: str, waits: bool) -> None:
    server.answers = [(429, {"Retry-After": wait}, error("busy")), MODELS]
    if waits:
        assert client.models() == []
    else:
        with pytest.raises(ServiceError) as caught:
            client.models()
        assert (caught.value.status, caught.value.code) == (429, "busy")


def test_what_need_not_be_asked_again_is_not(server: Told, client: Client) -> None:
    server.answers = [(503, {"Retry-After": "0", "X-Should-Retry": "false"}, error("deadline_exceeded")), MODELS]
    with pytest.raises(ServiceError) as caught:
        client.models()
    assert caught.value.code == "deadline_exceeded"


PIECE = b'data: {"index": 0, "text": "a", "seed": 1, "finish_reason": "length"}\n\ndata: [DONE]\n\n'


def test_scores_of_several_texts(server: Told, client: Client) -> None:
    scored = {"bits_per_character": 2.5, "bits": 5.0, "tokens": 3, "percentile": 0.5, "surprising": [], "new": "?"}
    server.answers = [(200, {}, json.dumps({"results": [scored, {**scored, "logprobs": [None]}]}).encode())]
    first, second = client.score(texts=iter(["ab", "cd"]))
    assert (first.bits, first.percentile, first.logprobs, second.logprobs) == (5, 0.5, None, [None])
    server.answers = [(200, {}, b'{"results": [{"bits": 1}]}')]
    with pytest.raises(ServiceError) as caught:
        client.score(texts=["ab"])
    assert caught.value.code == "unexpected_reply"


def test_completions(server: Told, client: Client) -> None:
    one = {"text": "a", "logprob": -0.5, "probability": 0.6, "finish_reason": "stop", "new": "?"}
    reply = {"completions": [one], "exact": True, "model": "m", "version": 2, "usage": {"total_tokens": 2}}
    server.answers = [(200, {}, json.dumps(reply).encode())] * 2
    found = client.complete("x", 3, until=iter([" ", "."]), length=9)
    assert (found.completions[0].text, found.completions[0].probability, found.exact) == ("a", 0.6, True)
    assert client.complete("x", until=" ", regex="a+") == found
    (_, _, first), (_, _, second) = server.asked
    assert json.loads(first) == {"prompt": "x", "n": 3, "until": [" ", "."], "length": 9}
    assert json.loads(second) == {"prompt": "x", "until": " ", "regex": "a+"}
    server.answers = [(200, {}, b'{"completions": [{}], "exact": true}')]
    with pytest.raises(ServiceError) as caught:
        client.complete("x")
    assert caught.value.code == "unexpected_reply"


RESULTS: dict[str, tuple[Callable[[Client, Any], Any], dict[str, Any]]] = {
    "classify": (
        lambda client, texts: client.classify(**texts, model="m", top=2),
        {"label": "a", "probability": 0.5, "probabilities": {"a": 0.5, "b": 0.25}},
    ),
    "tag": (
        lambda client, texts: client.tag(**texts, model="m", unknown="skip"),
        {"tags": ["a", None], "spans": [{"start": 0, "end": 1, "tag": "a", "probability": 1.0}], "skipped": [{}]},
    ),
    "transduce": (
        lambda client, texts: client.transduce(**texts, model="m", beams=4, length=9),
        {"text": "b", "logprob": -1.5, "finish_reason": "end"},
    ),
    "compare": (
        lambda client, texts: client.compare(iter(["m", "n"]), **texts),
        {"probabilities": {"m": 0.25, "n": 0.75}, "bits_per_character": {"m": 2.0, "n": None}},
    ),
}


@pytest.mark.parametrize("name", RESULTS)
def test_results_for_a_text_and_for_several(server: Told, client: Client, name: str) -> None:
    ask, result = RESULTS[name]
    server.answers = [
        (200, {}, json.dumps({"results": [{**result, "new": "?"}] * count}).encode()) for count in (1, 2, 0)
    ]
    one, several = ask(client, {"text": "x"}), ask(client, {"texts": iter(["x", "y"])})
    assert several == [one, one]
    assert {field: getattr(one, field) for field in result} == result
    (_, _, first), (_, _, second) = server.asked
    assert json.loads(first)["text"] == "x" and json.loads(second)["texts"] == ["x", "y"]
    with pytest.raises(ServiceError) as caught:
        ask(client, {"text": "x"})
    assert caught.value.code == "unexpected_reply"


def test_streams_and_uploads_wait_too(server: Told, client: Client, tmp_path: Path) -> None:
    server.answers = [BUSY, (200, {"Content-Type": "text/event-stream"}, PIECE)]
    assert [piece.text for piece in client.stream("x")] == ["a"]
    server.answers = [BUSY, (201, {}, b'{"id": "x"}')]
    (tmp_path / "text").write_bytes(b"to be" * 100_000)
    assert client.upload(tmp_path / "text") == {"id": "x"}
    assert [len(body) for _, _, body in server.asked[-2:]] == [500_000, 500_000]


@pytest.mark.parametrize(
    ("status", "data", "said"),
    [
        (502, b"", "502 Bad Gateway"),
        (502, b"<html>\n<h1>Bad Gateway</h1>", "502 Bad Gateway: <html> <h1>Bad Gateway</h1>"),
        (404, b"{}", "404 Not Found: {}"),
        (500, b"\xff", "500 Internal Server Error: \ufffd"),
        (500, b'"it broke"', "500 Internal Server Error: it broke"),
        (500, b'{"error": "it broke"}', "500 Internal Server Error: it broke"),
        (400, b'{"error": {"message": "not so", "code": 7}}', "not so"),
        (400, b'{"error": {}}', '400 Bad Request: {"error": {}}'),
        (409, b'{"detail": "no"}', '409 Conflict: {"detail": "no"}'),
        (400, b"[" * 100_000, "400 Bad Request: [["),
        (302, b"", "302 Found: the service is not here, but at http://elsewhere/"),
        (304, b"", "304 Not Modified: "),
        (200, b"", "200, but not with a JSON object"),
        (200, b"<html>", "200, but not with a JSON object: <html>"),
        (200, b"[]", "200, but not with a JSON object: []"),
        (200, b'{"models": 5}', "this is no reply of the service"),
        (200, b"{}", "this is no reply of the service"),
    ],
)
def test_a_reply_in_another_shape(server: Told, client: Client, status: int, data: bytes, said: str) -> None:
    server.answers = [(status, {"Location": "http://elsewhere/"}, data)]
    with pytest.raises(ServiceError) as caught:
        client.models()
    assert caught.value.status == status
    assert caught.value.message.startswith(said)


@pytest.mark.parametrize(
    ("status", "kind", "data"),
    [(200, "text/html", b"<html>"), (502, "text/html", b"<html>"), (200, "text/event-stream", b"data: {\n\n")],
)
def test_a_stream_that_is_none(server: Told, client: Client, status: int, kind: str, data: bytes) -> None:
    server.answers = [(status, {"Content-Type": kind}, data)]
    with pytest.raises(ServiceError) as caught:
        list(client.stream("x"))
    assert (caught.value.status, caught.value.code) == (status, "unexpected_reply")


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


def test_a_text_goes_on_from_a_continuation(server: Told, client: Client) -> None:
    told = {"text": "a", "seed": 1, "finish_reason": "stop", "index": 0, "continuation": "AQ.x"}
    reply = {"text": "a", "model": "m", "version": 1, "usage": {}, "cached": False, "choices": [told]}
    chunk = json.dumps({**told, "model": "m", "version": 1}).encode()
    stream = b"data: " + chunk + b"\n\ndata: [DONE]\n\n"
    server.answers = [(200, {}, json.dumps(reply).encode()), (200, {"Content-Type": "text/event-stream"}, stream)]
    assert client.generate("a", continuation=True).choices[0].continuation == "AQ.x"
    (piece,) = client.stream(length=5, continue_="AQ.x")
    assert (piece.continuation, piece.finish_reason) == ("AQ.x", "stop")
    sent = [json.loads(body) for _, _, body in server.asked]
    assert sent[0] == {"prompt": "a", "continuation": True}
    assert sent[1] == {"prompt": "", "continue": "AQ.x", "length": 5, "stream": True}


def piece(at: int, text: str, index: int = 0, **fields: Any) -> bytes:
    told = {"index": index, "text": text, "seed": 7 + index, "model": "m", "version": 3, "finish_reason": None}
    return b"id: x-%d\ndata: %s\n\n" % (at, json.dumps({**told, **fields}).encode())


OK: dict[str, str] = {"Content-Type": "text/event-stream"}
ENDING = b"id: x-1\ndata: " + error("server_ending") + b"\n\ndata: [DONE]\n\n"
REST = piece(2, "b", finish_reason="length") + b"data: [DONE]\n\n"


@pytest.mark.parametrize(
    ("cut", "then"),
    [
        (b"", []),
        (b"id: x-2\ndata: {", []),
        (ENDING, []),
        (b"", [(503, {}, error("shutting_down"))]),
        (b"", [(503, {"Retry-After": "0"}, error("not_ready")), (502, {}, b"<html>")]),
        (ENDING, [BUSY, BUSY]),
    ],
)
def test_a_stream_goes_on_where_it_broke_off(server: Told, cut: bytes, then: list[Answer]) -> None:
    server.answers = [(200, OK, piece(1, "a", index=1) + cut), *then, (200, OK, REST)]
    client = Client(f"http://127.0.0.1:{server.server_port}", retries=2, wait=0)
    assert [piece.text for piece in client.stream("x", model="m@best", n=2)] == ["a", "b"]
    (_, _, first), *_, (_, headers, last) = server.asked
    assert json.loads(first) == {"prompt": "x", "model": "m@best", "n": 2, "stream": True}
    assert json.loads(last) == {**json.loads(first), "model": "m@3", "seed": 7}
    assert headers["Last-Event-ID"] == "x-1"


def test_a_stream_that_makes_no_progress_is_given_up(server: Told, client: Client) -> None:
    server.answers = [(200, OK, piece(1, "a")), (200, OK, piece(2, "b")), (200, OK, b""), (200, OK, REST)]
    pieces = client.stream("x")
    assert [next(pieces).text, next(pieces).text] == ["a", "b"]
    with pytest.raises(ServiceError) as caught:
        next(pieces)
    assert (caught.value.code, len(server.answers)) == ("connection_lost", 1)


def test_a_stream_waits_for_a_server_that_has_gone() -> None:
    reply = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + piece(1, "a")
    with one_answer(reply, reads=1) as port:
        pieces = Client(f"127.0.0.1:{port}", retries=3, wait=0).stream("x")
        assert next(pieces).text == "a"
    with pytest.raises(ServiceError) as caught:  # and not that the connection was lost
        next(pieces)
    assert caught.value.code == "not_reached"


def test_a_stream_is_begun_again_only_before_anything_came(server: Told, client: Client) -> None:
    server.answers = [(200, OK, b": keep-alive\n\n"), (200, OK, PIECE)]
    assert [piece.text for piece in client.stream("x")] == ["a"]
    without_id = PIECE.partition(b"data: [DONE]")[0].replace(b"length", b"") + b": \n"
    server.answers = [(200, OK, without_id), (200, OK, PIECE)]
    with pytest.raises(ServiceError) as caught:
        list(client.stream("x"))
    assert (caught.value.code, len(server.answers)) == ("connection_lost", 1)


@pytest.mark.parametrize("code", ["deadline_exceeded", "internal_error"])
def test_some_errors_end_a_stream(server: Told, client: Client, code: str) -> None:
    for after in ((200, OK, piece(1, "a") + b"data: " + error(code) + b"\n\n"), (503, {}, error("deadline_exceeded"))):
        server.answers = [after, (200, OK, REST)]
        with pytest.raises(ServiceError):
            list(client.stream("x"))
        assert len(server.answers) == 1


def test_the_seed_of_a_request_is_that_of_its_first_choice() -> None:
    for seed in (-(1 << 63), -1, 0, (1 << 63) - 1):
        assert all(module._first_seed(choice_seed(seed, at), at) == seed for at in range(16))


LINES = {"Content-Type": "application/x-ndjson"}
RECORD = b'{"index": 0, "text": "Anna", "seed": 7}\n'
CUT_OFF = b'{"index": 1, "text": "Be", "seed": 8, "finish_reason": "length"}\n'
SUMMARY = {"count": 2, "tried": 9, "exhausted": True, "seconds": 0.5, "model": "m", "version": 1, "seed": 7}


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"regex": "a|b"}, {"regex": "a|b"}),
        ({"choice": iter(["a", "b"])}, {"choice": ["a", "b"]}),
        ({"json_schema": {"type": "null"}}, {"json_schema": {"type": "null"}}),
        ({"json_schema": '{"type": "null"}'}, {"json_schema": '{"type": "null"}'}),
        ({"regex": None}, {"regex": None}),
        ({"choice": "ab"}, {"choice": "ab"}),
        ({}, {}),
    ],
)
def test_a_pattern_is_sent_as_it_is_and_null_is_a_wish(
    server: Told, client: Client, given: dict[str, Any], sent: dict[str, Any]
) -> None:
    server.answers = [(404, {}, error("model_not_found"))]
    with pytest.raises(ServiceError):
        client.generate("To", **given)
    assert json.loads(server.asked[0][2]) == {"prompt": "To", **sent}


def test_a_pattern_is_sent_for_streams_and_records(server: Told, client: Client) -> None:
    server.answers = [(404, {}, error("model_not_found"))] * 2
    with pytest.raises(ServiceError):
        next(client.stream("To", regex="b"))
    with pytest.raises(ServiceError):
        next(client.records("m", choice=("a", "b")))
    assert [json.loads(body) for _, _, body in server.asked] == [
        {"prompt": "To", "stream": True, "regex": "b"},
        {"model": "m", "count": 10, "choice": ["a", "b"]},
    ]


def test_an_error_has_its_further_fields(server: Told, client: Client) -> None:
    body = {"code": "length_too_short", "message": "no", "param": "length", "shortest": 7, "example": "JULIET!"}
    server.answers = [(422, {}, json.dumps({"error": body}).encode()), (404, {}, error("model_not_found"))]
    with pytest.raises(ServiceError) as caught:
        client.generate(length=3, regex="(JULIET|CAPULET)!")
    assert (caught.value.shortest, caught.value.example) == (7, "JULIET!")
    assert caught.value.more == {"shortest": 7, "example": "JULIET!"}
    with pytest.raises(ServiceError) as caught:
        client.generate()
    assert (caught.value.shortest, caught.value.example, caught.value.more) == (None, None, {})


def test_records_and_their_summary(server: Told, client: Client) -> None:
    end = json.dumps({"done": True, "new": 1, **SUMMARY}).encode() + b"\n"
    server.answers = [(200, LINES, RECORD + CUT_OFF + end)] * 2
    records = client.records("m", 2, unique=True, label=None)
    assert next(records) == Record("Anna", 7, 0)
    assert vars(records)["summary"] is None
    assert list(records) == [Record("Be", 8, 1, "length")]
    assert records.summary == RecordsSummary(**SUMMARY)  # type: ignore[arg-type]
    assert json.loads(server.asked[0][2]) == {"model": "m", "count": 2, "unique": True}
    assert [line.get("text") for line in client.record_lines("m", 2)] == ["Anna", "Be", None]


@pytest.mark.parametrize(
    ("kind", "data", "code"),
    [
        (LINES, RECORD, "connection_lost"),
        (LINES, RECORD + b'{"index"', "connection_lost"),
        (LINES, RECORD + b'{"index"\n', "unexpected_reply"),
        (LINES, RECORD + error("internal_error") + b"\n", "internal_error"),
        (LINES, RECORD + b'{"index": 1}\n', "unexpected_reply"),
        (LINES, RECORD + b'{"done": true}\n', "unexpected_reply"),
        ({"Content-Type": "text/html"}, RECORD, "unexpected_reply"),
    ],
)
def test_records_that_break_off(server: Told, client: Client, kind: dict[str, str], data: bytes, code: str) -> None:
    server.answers = [(200, kind, data)]
    with pytest.raises(ServiceError) as caught:
        list(client.records("m"))
    assert caught.value.code == code


KNOWN = {**LINES, "X-Model": "m@3", "X-Seed": "7"}


def record_line(index: int, candidate: int) -> bytes:
    return json.dumps({"index": index, "text": str(candidate), "seed": choice_seed(7, candidate)}).encode() + b"\n"


def records_end(count: int, tried: int) -> bytes:
    return json.dumps({**SUMMARY, "done": True, "count": count, "tried": tried}).encode() + b"\n"


def test_records_go_on_from_the_last_one(server: Told, client: Client) -> None:
    """Candidates 3, 5 and 8 are wanted, of those from 2 on."""
    server.answers = [
        (200, KNOWN, b""),
        (200, KNOWN, record_line(0, 3) + record_line(1, 5) + b'{"ind'),
        (503, {}, error("shutting_down")),
        (200, KNOWN, record_line(0, 5) + record_line(1, 8)),
        (200, KNOWN, record_line(0, 8) + records_end(1, 1)),
    ]
    client = Client(f"http://127.0.0.1:{server.server_port}", retries=2, wait=0)
    records = client.records("m@best", 3, novel=True, offset=2)
    assert [(each.text, each.index) for each in records] == [("3", 0), ("5", 1), ("8", 2)]
    assert records.summary is not None and (records.summary.count, records.summary.tried) == (3, 7)
    asked = [json.loads(body) for _, _, body in server.asked]
    known = {"model": "m@3", "novel": True, "seed": 7}
    assert asked == [
        {"model": "m@best", "count": 3, "novel": True, "offset": 2},
        {**known, "count": 3, "offset": 2},
        {**known, "count": 2, "offset": 5},
        {**known, "count": 2, "offset": 5},
        {**known, "count": 1, "offset": 8},
    ]


def test_unique_records_are_asked_for_again_from_the_first_one(server: Told, client: Client) -> None:
    server.answers = [
        (200, KNOWN, record_line(0, 0) + record_line(1, 2)),
        (200, KNOWN, record_line(0, 0) + record_line(1, 2) + record_line(2, 3) + records_end(3, 4)),
    ]
    records = client.records("m", 3, unique=True)
    assert [(each.text, each.index) for each in records] == [("0", 0), ("2", 1), ("3", 2)]
    assert records.summary is not None and (records.summary.count, records.summary.tried) == (3, 4)
    assert json.loads(server.asked[1][2]) == {"model": "m@3", "count": 3, "unique": True, "seed": 7}


def test_records_that_are_not_wanted_any_more(server: Told, client: Client) -> None:
    server.answers = [(200, LINES, RECORD + CUT_OFF)]
    records = client.records("m")
    next(records)
    records.close()
    assert list(records) == [] and records.summary is None


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


EVENTS = b"id: 1\nevent: status\ndata: {}\n\nid: 2\nevent: progress\ndata: {\ndata:  }\n\n"


def test_events_go_on_where_the_connection_was_lost(server: Told, client: Client) -> None:
    ending = b"id: 2\ndata: " + error("server_ending") + b"\n\ndata: [DONE]\n\n"
    server.answers = [
        (200, {"Content-Type": "text/event-stream"}, EVENTS + ending),
        (503, {}, error("shutting_down")),
        (200, {}, b'id: 3\nevent: status\ndata: {"error": null}\n\ndata: [DONE]\n\n'),
    ]
    told = list(Client(f"http://127.0.0.1:{server.server_port}", wait=0).events("x"))
    assert [(event.id, event.kind) for event in told] == [(1, "status"), (2, "progress"), (3, "status")]
    assert [headers.get("Last-Event-ID") for _, headers, _ in server.asked] == [None, "2", "2"]
    server.answers = [(204, {}, b"")]
    assert list(client.events("x", after=3)) == []


def test_weights_are_written_whole_or_not_at_all(server: Told, client: Client, tmp_path: Path) -> None:
    server.answers = [(200, {"Content-Length": "6"}, b"abcdef"), (200, {"Content-Length": "7"}, b"abcdef")]
    assert client.weights("m", 1, tmp_path / "file").read_bytes() == b"abcdef"
    with pytest.raises(ServiceError) as caught:
        client.weights("m", 1, tmp_path / "other")
    assert caught.value.code == "connection_lost"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@contextmanager
def one_answer(answer: bytes, *, reads: int) -> Iterator[int]:
    """The port of a server that reads so many bytes of one request, answers and is gone, whatever else was sent."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                read = 0
                while read < reads:
                    read += len(connection.recv(1 << 16))
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


def test_a_server_that_refuses_a_body_need_not_read_it(tmp_path: Path) -> None:
    body = error("too_large")
    answer = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    (tmp_path / "large").write_bytes(bytes(30_000_000))
    sends: list[Callable[[Client], object]] = [
        lambda client: client.upload(tmp_path / "large"),
        lambda client: client.score("a" * 30_000_000),
    ]
    for send in sends:
        with one_answer(answer, reads=1000) as port, pytest.raises(ServiceError) as caught:
            send(Client(f"127.0.0.1:{port}"))
        assert (caught.value.status, caught.value.code) == (413, "too_large")


def test_a_connection_closed_without_a_reply_is_not_reached(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(bytes(30_000_000))
    with one_answer(b"", reads=1000) as port, pytest.raises(ServiceError) as caught:
        Client(f"127.0.0.1:{port}").upload(tmp_path / "large")
    assert (caught.value.status, caught.value.code) == (0, "not_reached")


def test_a_reply_that_does_not_come() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(ServiceError) as caught:
        Client(f"127.0.0.1:{silent.getsockname()[1]}", timeout=0.05).models()
    assert (caught.value.status, caught.value.code) == (0, "timeout")


def test_a_file_is_sent_as_long_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_bytes(b"abc")
    with file.open("rb") as opened:
        assert b"".join(module._announced(opened, 2)) == b"ab"
        with pytest.raises(ServiceError, match="log became shorter while it was sent"):
            list(module._announced(opened, 2))


def test_what_comes_through_a_pipe_is_sent_in_chunks(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    answer = b'HTTP/1.1 201 Created\r\nContent-Length: 11\r\n\r\n{"id": "x"}'
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(b"to be",))
    writer.start()
    with one_answer(answer, reads=100) as port:
        assert Client(f"127.0.0.1:{port}").upload(tmp_path / "pipe") == {"id": "x"}
    writer.join()


@pytest.mark.parametrize("url", ["", "http://", "ftp://a", "http://a:b", "http://a b", "http://[::1", "http://\u00e9"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(ValueError, match="url"):
        Client(url)


@pytest.mark.parametrize("key", ["schl\u00fcssel", "two\nlines"])
def test_a_key_that_no_header_carries(key: str) -> None:
    with pytest.raises(ValueError, match="key must be printable ASCII"):
        Client(key=key)


def test_a_host_that_there_is_not() -> None:
    for host in ("nowhere.invalid", "a..b", "x" * 70):
        with pytest.raises(ServiceError) as caught:
            Client(host).models()
        assert (caught.value.status, caught.value.code) == (0, "not_reached")


NAME, VERSION, JOB = "{name}", cast("int", "{version}"), "{job_id}"

ROUTES: dict[str, Callable[[Client, Path], object]] = {
    "POST /generate": lambda client, _: client.generate("x"),
    "POST /complete": lambda client, _: client.complete("x"),
    "POST /records": lambda client, _: list(client.records("m", 3)),
    "POST /tokenize": lambda client, _: client.tokenize("x"),
    "POST /detokenize": lambda client, _: client.detokenize([1]),
    "POST /score": lambda client, _: client.score("x"),
    "POST /classify": lambda client, _: client.classify("x"),
    "POST /tag": lambda client, _: client.tag("x"),
    "POST /transduce": lambda client, _: client.transduce("x"),
    "POST /compare": lambda client, _: client.compare(["a", "b"], "x"),
    "POST /trace": lambda client, _: client.picture("x"),
    "GET /models": lambda client, _: client.models(),
    "GET /models/{name}": lambda client, _: client.model(NAME),
    "GET /models/{name}/versions/{version}": lambda client, _: client.version(NAME, VERSION),
    "DELETE /models/{name}/versions/{version}": lambda client, _: client.delete_version(NAME, VERSION),
    "GET /models/{name}/versions/{version}/curves.svg": lambda client, _: client.version_curves(NAME, VERSION),
    "GET /models/{name}/versions/{version}/weights": lambda client, path: client.weights(NAME, VERSION, path),
    "GET /models/{name}/versions/{version}/cells": lambda client, _: client.cells(NAME, VERSION),
    "POST /models/{name}/versions/{version}/cells": lambda client, _: client.find_cells(NAME, VERSION, text="x"),
    "GET /models/{name}/versions/{version}/cells/{slug}.svg": (
        lambda client, _: client.cell_picture(NAME, VERSION, "{slug}", "svg")
    ),
    "GET /models/{name}/versions/{version}/cells/{slug}.png": (
        lambda client, _: client.cell_picture(NAME, VERSION, "{slug}")
    ),
    "GET /models/{name}/versions/{version}/evaluation": lambda client, _: client.evaluation(NAME, VERSION),
    "GET /models/{name}/versions/{version}/gradients": lambda client, _: client.gradients(NAME, VERSION),
    "GET /models/{name}/versions/{version}/gradients.svg": lambda client, _: client.gradients_picture(NAME, VERSION),
    "GET /gradients": lambda client, _: client.compare_gradients("a", "b@3"),
    "GET /gradients.svg": lambda client, _: client.compared_gradients_picture(),
    "POST /models/{name}/versions": lambda client, path: client.publish(NAME, path, promote="always"),
    "PUT /models/{name}/aliases/{alias}": lambda client, _: client.promote(NAME, 1, "{alias}"),
    "GET /models/{name}/aliases/{alias}": lambda client, _: client.alias(NAME, "{alias}"),
    "DELETE /models/{name}/aliases/{alias}": lambda client, _: client.delete_alias(NAME, "{alias}"),
    "POST /corpora": lambda client, path: client.upload(path, model="m", newlines="keep"),
    "POST /corpora/preview": lambda client, path: client.preview(path, unit="line", fields={"text": "x"}),
    "GET /corpora/{corpus_id}/preview": lambda client, _: client.preview_corpus("{corpus_id}", unit="line"),
    "GET /corpora": lambda client, _: client.corpora(),
    "GET /corpora/{corpus_id}": lambda client, _: client.corpus("{corpus_id}"),
    "DELETE /corpora/{corpus_id}": lambda client, _: client.delete_corpus("{corpus_id}"),
    "POST /jobs": lambda client, _: client.train("x", "m"),
    "GET /jobs": lambda client, _: client.jobs(),
    "GET /jobs/{job_id}": lambda client, _: client.job(JOB),
    "GET /jobs/{job_id}/curves.svg": lambda client, _: client.job_curves(JOB),
    "DELETE /jobs/{job_id}": lambda client, _: client.delete_job(JOB),
    "POST /jobs/{job_id}/cancel": lambda client, _: client.cancel(JOB),
    "GET /jobs/{job_id}/events": lambda client, _: list(client.events(JOB)),
    "GET /healthz": lambda client, _: client.health(),
    "GET /readyz": lambda client, _: client.ready(),
    "GET /key": lambda client, _: client.key(),
    "GET /metrics": lambda client, _: client.metrics(),
    "GET /openapi.json": lambda client, _: client.openapi(),
}
OTHERS = ("GET /v1/", "POST /v1/", "GET /docs")
"""For OpenAI's clients and for browsers."""


@pytest.mark.parametrize("route", ROUTES)
def test_a_method_asks_for_its_route(server: Told, client: Client, tmp_path: Path, route: str) -> None:
    (tmp_path / "file").write_bytes(b"x")
    server.answers = [(204, {}, b"")]
    with suppress(ServiceError):  # nothing is in the reply
        ROUTES[route](client, tmp_path / "file")
    ((path, _, _),) = server.asked
    assert unquote(path).removeprefix("/prefix").partition("?")[0] == route.partition(" ")[2]
    assert server.methods == [route.partition(" ")[0]]


def test_every_route_has_a_method(tmp_path: Path) -> None:
    process = build_web(Settings(data_dir=tmp_path, admin_api_keys=("k",), redis_url="redis://127.0.0.1:1"))
    document = process.application.test_client().get("/openapi.json").json
    assert document is not None
    routes = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    another_name = {"GET /health"}
    assert {route for route in routes if not route.startswith(OTHERS)} - another_name == set(ROUTES)


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
