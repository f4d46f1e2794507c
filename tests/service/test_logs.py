from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from service import logs
from service.output import ONE_PIECE
from service.settings import Settings


@pytest.fixture(autouse=True)
def no_request() -> Iterator[None]:
    token = logs.request_id.set("")
    yield
    logs.request_id.reset(token)


def record(message: str, *values: object, error: bool = False) -> logging.LogRecord:
    try:
        raise ValueError("no\nway")
    except ValueError:
        trace = sys.exc_info() if error else None
    return logging.LogRecord("service.part", logging.WARNING, "part.py", 1, message, values, trace)


def lines(**settings: Any) -> tuple[logs.RequestLog, list[str]]:
    written: list[str] = []
    return logs.RequestLog(Settings(**settings), lambda line: written.append(line.decode())), written


def test_a_line_of_json_has_the_message_the_trace_and_the_request() -> None:
    token = logs.request_id.set("abc")
    line = logs.formatter(Settings(log_format="json")).format(record('a "%s"\n', "b", error=True))
    logs.request_id.reset(token)
    assert "\n" not in line
    read = json.loads(line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", read.pop("time"))
    assert read.pop("trace").endswith("ValueError: no\nway")
    assert read == {"level": "warning", "logger": "service.part", "message": 'a "b"\n', "request_id": "abc"}


def test_a_line_of_text_ends_with_the_request() -> None:
    formatter = logs.formatter(Settings(log_format="text"))
    assert formatter.format(record("it is %d", 3)).endswith(" WARNING service.part: it is 3")
    token = logs.request_id.set("abc")
    assert formatter.format(record("it is %d", 3)).endswith(" WARNING service.part: it is 3 [abc]")
    logs.request_id.reset(token)


def test_a_request_is_one_line_of_json_whatever_its_path() -> None:
    log, written = lines(log_format="json")
    log.request("GET", '/a"\n\u2028é', 404, 0.01234, "abc")
    assert written[0].count("\n") == 1
    read = json.loads(written[0])
    del read["time"]
    assert read == {
        "level": "info",
        "logger": "service.requests",
        "method": "GET",
        "path": '/a"\n\u2028é',
        "status": 404,
        "ms": 12.34,
        "request_id": "abc",
    }


def test_no_path_can_forge_a_line_of_text() -> None:
    log, written = lines(log_format="text")
    log.request("GET", "/a\n2026 INFO all is well", 200, 0.5, "abc")
    assert written[0].endswith('GET "/a\\n2026 INFO all is well" 200 500.0 ms abc\n')
    log.request("GET", "/é", 200, 0.5, "abc")
    assert "GET /é 200" in written[1]


def test_a_long_path_is_cut() -> None:
    log, written = lines(log_format="json")
    log.request("GET", "/" * 5000, 200, 0.5, "abc")
    assert len(written[0]) < 4096, "what a pipe takes in one piece"


@pytest.mark.parametrize(("level", "count"), [("debug", 1), ("info", 1), ("warning", 0), ("error", 0)])
def test_requests_are_information(level: str, count: int) -> None:
    log, written = lines(log_level=level, log_format="text")
    log.request("GET", "/", 200, 0.5, "abc")
    assert len(written) == count


def test_json_if_not_a_terminal() -> None:
    assert logs.chosen_format(Settings(log_format="auto")) == "json"
    assert logs.chosen_format(Settings(log_format="text")) == "text"


@pytest.mark.parametrize("message", ["m" * 5000, "\u2028" * 5000])
def test_a_line_of_json_stays_one_piece_of_a_pipe_however_long_its_trace(message: str) -> None:
    def fall(depth: int, other: Callable[..., None]) -> None:
        if depth:
            other(depth - 1, fall)
        raise ValueError("at last" + "\u2028" * 1000)

    def rise(depth: int, other: Callable[..., None]) -> None:
        other(depth - 1, rise)

    with pytest.raises(ValueError) as caught:
        fall(100, rise)
    trace = (caught.type, caught.value, caught.tb)
    error = logging.LogRecord("service", logging.ERROR, "part.py", 1, message, (), trace)
    line = logs.JsonFormatter().format(error)
    assert len(line) < ONE_PIECE
    read = json.loads(line)
    assert set(read["message"]) == {message[0], "."}
    assert read["trace"].startswith("...\n")
    assert "ValueError: at last" in read["trace"]
