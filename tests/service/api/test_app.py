from __future__ import annotations

import os
import re
import socket
from typing import Any

import pytest
from flask.testing import FlaskClient

from service.settings import Settings
from service.training.queue.heartbeats import Heartbeat


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/generate", 405, "method_not_allowed"),
        ("DELETE", "/healthz", 405, "method_not_allowed"),
    ],
)
def test_errors_of_routing_have_the_one_shape(
    client: FlaskClient, method: str, path: str, status: int, code: str
) -> None:
    reply = client.open(path, method=method)
    assert reply.status_code == status
    assert reply.json is not None
    error = reply.json["error"]
    assert set(error) == {"type", "code", "message", "param"}
    assert (error["type"], error["code"]) == ("invalid_request_error", code)


@pytest.mark.parametrize(
    ("method", "path", "message"),
    [
        ("POST", "/completions", "there is no route '/completions' for POST; did you mean /v1/completions?"),
        ("POST", "/v1/chat/completions", "there is no route '/v1/chat/completions' for POST; did you mean /v1/comp"),
        ("GET", "/health/", "there is no route '/health/' for GET; did you mean /health?"),
        ("GET", "/nowhere", "there is no route '/nowhere' for GET; /docs lists all routes"),
        ("GET", f"/{'x' * 1000}", "there is no route '/xxx"),
        ("GET", "/v1/completions", "'/v1/completions' takes OPTIONS, POST, not GET"),
    ],
)
def test_a_wrong_path_gets_a_suggestion(client: FlaskClient, method: str, path: str, message: str) -> None:
    reply: Any = client.open(path, method=method).json
    assert reply["error"]["message"].startswith(message)
    assert len(reply["error"]["message"]) < 300


@pytest.mark.parametrize("given", ["", "a b", "x" * 200, "naïve"])
def test_a_request_id_that_cannot_be_kept_is_replaced(client: FlaskClient, given: str) -> None:
    reply = client.get("/healthz", headers={"X-Request-Id": given.encode()})
    assert reply.headers["X-Request-Id"] not in ("", given)


def test_alive_and_ready(client: FlaskClient, queue: Any, settings: Settings) -> None:
    Heartbeat(settings.data.runs).begin()
    assert client.get("/healthz").json == client.get("/health").json == {"status": "ok"}
    assert client.get("/readyz").json == {"status": "ready", "degraded": []}
    queue.error = ConnectionError()
    assert client.get("/readyz").json == {"status": "ready", "degraded": ["queue: Redis is not available"]}


def test_the_metrics_name_neither_the_host_nor_a_process(client: FlaskClient, settings: Settings) -> None:
    Heartbeat(settings.data.runs).begin()
    page = client.get("/metrics").text
    assert "charrnn_worker_heartbeat_seconds{" in page
    assert socket.gethostname() not in page
    assert re.findall(rf"\b{os.getpid()}\b|\bpid=", page.replace("\n", " ")) == []


def test_why_it_is_not_ready_names_no_path(client: FlaskClient, settings: Settings) -> None:
    (settings.data.models / "letters").rename(settings.data.models / "moved")
    (settings.data.models / "letters").symlink_to("letters")
    reply = client.get("/readyz")
    assert (reply.status_code, str(settings.data_dir) in reply.text) == (503, False), reply.text


def test_not_ready_without_a_model(new_client: Any) -> None:
    reply = new_client(default_model="nobody").get("/readyz")
    assert reply.status_code == 503
    assert reply.headers["Retry-After"]
    assert reply.json["error"]["code"] == "not_ready"
