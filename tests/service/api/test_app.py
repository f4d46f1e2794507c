from __future__ import annotations

import os
import re
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from model_store.store import ModelStore
from service.bootstrap.web import build_web
from service.generation.scheduling.scheduler import Scheduler
from service.settings import Settings
from service.training.queue.heartbeats import Heartbeat
from tests.disk import mounted
from tests.ports import free_port
from tests.service.redis_server import RedisProcess


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


def test_alive_and_ready(client: FlaskClient, settings: Settings) -> None:
    Heartbeat(settings.data.runs).begin()
    assert client.get("/healthz").json == client.get("/health").json == {"status": "ok"}
    assert client.get("/readyz").json == {"status": "ready", "degraded": []}


def test_a_queue_that_is_away_is_named(client: FlaskClient, queue: Any, settings: Settings) -> None:
    Heartbeat(settings.data.runs).begin()
    queue.error = ConnectionError()
    assert client.get("/readyz").json == {"status": "ready", "degraded": ["queue: Redis is not available"]}


@pytest.mark.usefixtures("model_store")
def test_a_password_that_redis_refuses_is_said_and_not_shown(
    settings: Settings, engine: Any, scheduler: Scheduler, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Heartbeat(settings.data.runs).begin()
    with RedisProcess(tmp_path, free_port(), "requirepass right") as server:
        url = f"redis://:wr0ng@127.0.0.1:{server.port}/0"
        process = build_web(
            settings.model_copy(update={"redis_url": url}), engines=lambda _: engine, scheduler=scheduler
        )
        client = process.application.test_client()
        assert client.post("/generate", json={"prompt": "a", "length": 3}).status_code == 200
        refused = "Redis refuses the user or the password"
        assert client.get("/readyz").json == {
            "status": "ready",
            "degraded": [f"cache: {refused}", f"queue: {refused}"],
        }
    assert refused in caplog.text
    assert "wr0ng" not in caplog.text


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


@pytest.mark.parametrize(("options", "code"), [("ro", "disk_read_only"), ("full", "disk_full")])
def test_a_disk_that_cannot_be_written_is_named_and_texts_are_generated(
    tmp_path: Path,
    model_store: ModelStore,
    new_client: Any,
    settings: Settings,
    admin: dict[str, str],
    options: str,
    code: str,
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    with mounted(disk, "size=1m") as remount:
        shutil.copytree(model_store.root, disk / "models")
        client = new_client(data_dir=disk)
        text = {"data": "To be, or not to be. " * 20, "content_type": "text/plain", "headers": admin}
        corpus = client.post("/corpora", **text).json["id"]
        job = {"json": {"corpus": corpus, "model": "hamlet"}, "headers": admin}
        waiting = client.post("/jobs", **job).json["id"]
        assert "disk" not in client.get("/readyz").text
        if options == "ro":
            remount("ro")
        else:
            with pytest.raises(OSError, match="No space"):
                (disk / "large").write_bytes(bytes(2 << 20))
        for sent in (
            client.post("/corpora", **text | {"data": "another text " * 500}),
            client.post("/jobs", **job),
            client.put("/models/letters/aliases/other", json={"version": 1}, headers=admin),
        ):
            assert (sent.status_code, sent.json["error"]["code"]) == (503, code)
            assert int(sent.headers["Retry-After"]) > 0
        ready = client.get("/readyz").json
        said = "disk: read-only since" if options == "ro" else "disk: full since"
        assert [each for each in ready["degraded"] if each.startswith(said)]
        assert str(tmp_path) not in str(ready)
        assert client.post("/generate", json={}).status_code == 200
        for route in ("/jobs", f"/jobs/{waiting}", "/corpora", "/models", "/metrics"):
            assert client.get(route, headers=admin).status_code == 200
        warned = client.get(f"/jobs/{waiting}", headers=admin).json["warnings"]
        assert bool(warned) is (options == "ro"), "no worker has tried to write"
        if options == "ro":
            remount("rw")
        else:
            (disk / "large").unlink()
        assert client.post("/jobs", **job).status_code == 202
        assert "disk" not in client.get("/readyz").text
