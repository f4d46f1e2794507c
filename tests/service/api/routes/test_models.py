from __future__ import annotations

from io import BytesIO, RawIOBase
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from charrnn import checkpoint as checkpoints
from model_store.store import ModelStore
from service.api.http import exceptions
from service.api.routes import models
from service.settings import Settings


def test_versions_with_their_records(client: FlaskClient, model_store: ModelStore) -> None:
    assert client.get("/models").json == {
        "models": [{"name": "letters", "versions": [1], "aliases": {"current": 1}}],
        "has_more": False,
        "last_id": "letters",
    }
    model: Any = client.get("/models/letters").json
    version = client.get("/models/letters/versions/1").json
    assert model["versions"] == [version]
    assert version is not None
    assert version["digest"] == model_store.describe("letters", 1).digest
    assert version["record"] == {"validation_loss": 1.0, "task": "generate", "unit": "text", "labels": []}
    assert version["config"]["cell"] == "rnn"
    assert version["aliases"] == ["current"]


@pytest.mark.parametrize("path", ["/models/nobody", "/models/letters/versions/7", "/models/nobody/versions/1"])
def test_what_is_not_there(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_a_name_that_could_leave_the_store(client: FlaskClient) -> None:
    assert client.get("/models/..").status_code in (404, 422)
    assert client.get("/models/%2e%2e%2fx").status_code in (404, 422)
    assert client.get("/models/" + "x" * 300).status_code == 422


def test_promote_and_roll_back(
    client: FlaskClient, model_store: ModelStore, new_checkpoint: Any, admin: dict[str, str]
) -> None:
    model_store.publish("letters", new_checkpoint(loss=0.5))
    assert client.post("/generate", json={}).json["version"] == 1  # type: ignore[index]
    reply = client.put("/models/letters/aliases/current", json={"version": 2}, headers=admin)
    assert reply.status_code == 200
    assert client.post("/generate", json={}).json["version"] == 2  # type: ignore[index]
    client.put("/models/letters/aliases/current", json={"version": 1}, headers=admin)
    model: Any = client.get("/models/letters").json
    assert [change["version"] for change in model["history"]["current"]] == [1, 2, 1]


@pytest.mark.parametrize(
    ("alias", "body", "status"),
    [
        ("current", {"version": 9}, 404),
        ("current", {"version": 0}, 422),
        ("current", {}, 422),
        ("9", {"version": 1}, 422),
        ("a" * 300, {"version": 1}, 422),
    ],
)
def test_a_promotion_that_cannot_be(
    client: FlaskClient, admin: dict[str, str], alias: str, body: dict[str, Any], status: int
) -> None:
    assert client.put(f"/models/letters/aliases/{alias}", json=body, headers=admin).status_code == status


def test_an_alias_is_deleted(client: FlaskClient, admin: dict[str, str]) -> None:
    client.put("/models/letters/aliases/stable", json={"version": 1}, headers=admin)
    assert client.post("/generate", json={"model": "letters@stable"}).status_code == 200
    reply = client.delete("/models/letters/aliases/stable", headers=admin)
    assert (reply.status_code, reply.data) == (204, b"")
    assert client.get("/models/letters").json["aliases"] == {"current": 1}  # type: ignore[index]
    error: Any = client.post("/generate", json={"model": "letters@stable"}).json
    assert error["error"]["code"] == "alias_not_found"
    client.put("/models/letters/aliases/stable", json={"version": 1}, headers=admin)
    history = client.get("/models/letters").json["history"]["stable"]  # type: ignore[index]
    assert [change["deleted"] for change in history] == [False, True, False]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("letters/aliases/current", 409, "alias_needed"),
        ("letters/aliases/stable", 404, "alias_not_found"),
        ("letters/aliases/3", 422, "invalid_name"),
        ("nobody/aliases/stable", 404, "model_not_found"),
    ],
)
def test_an_alias_that_cannot_be_deleted(
    client: FlaskClient, admin: dict[str, str], path: str, status: int, code: str
) -> None:
    reply: Any = client.delete(f"/models/{path}", headers=admin)
    assert (reply.status_code, reply.json["error"]["code"]) == (status, code)
    assert client.get("/models/letters").json["aliases"] == {"current": 1}  # type: ignore[index]


def test_delete(client: FlaskClient, model_store: ModelStore, new_checkpoint: Any, admin: dict[str, str]) -> None:
    model_store.publish("letters", new_checkpoint(loss=0.5))
    assert client.delete("/models/letters/versions/1", headers=admin).status_code == 409
    assert client.delete("/models/letters/versions/2", headers=admin).status_code == 204
    assert client.delete("/models/letters/versions/2", headers=admin).status_code == 404


def test_the_weights_come_as_they_are(client: FlaskClient, admin: dict[str, str], tmp_path: Path) -> None:
    reply = client.get("/models/letters/versions/1/weights", headers=admin)
    (tmp_path / "got").write_bytes(reply.data)
    reply.close()
    assert checkpoints.load(tmp_path / "got").record.json == {"validation_loss": 1.0}


OCTETS = {"Content-Type": "application/octet-stream"}


def add(client: FlaskClient, headers: dict[str, str], data: bytes, path: str = "letters/versions") -> Any:
    return client.post(f"/models/{path}", data=data, headers=headers | OCTETS)


def left_behind(store: ModelStore) -> list[str]:
    """What is in the store beside the one version that the tests begin with."""
    first = {"letters", "1.safetensors", ".lock", "aliases.json"}
    return sorted(path.name for path in store.root.rglob("*") if path.name not in first)


def test_a_checkpoint_comes_in_and_goes_out_again(
    client: FlaskClient, model_store: ModelStore, new_checkpoint: Any, admin: dict[str, str]
) -> None:
    data = new_checkpoint(loss=0.5).to_bytes()
    reply = add(client, admin, data)
    assert reply.status_code == 201, reply.text
    assert (reply.json["model"], reply.json["version"], reply.json["aliases"]) == ("letters", 2, ["current"])
    assert reply.json["digest"] == new_checkpoint(loss=0.5).digest
    weights = client.get("/models/letters/versions/2/weights", headers=admin)
    assert weights.data == data
    weights.close()
    assert client.post("/generate", json={}).json["version"] == 2  # type: ignore[index]


@pytest.mark.parametrize(("promote", "aliases"), [("never", []), ("if_better", []), ("always", ["current"])])
def test_a_checkpoint_that_is_worse(
    client: FlaskClient, new_checkpoint: Any, admin: dict[str, str], promote: str, aliases: list[str]
) -> None:
    reply = add(client, admin, new_checkpoint(loss=2.0).to_bytes(), f"letters/versions?promote={promote}")
    assert (reply.status_code, reply.json["aliases"]) == (201, aliases)


def test_a_new_model_in_a_form(client: FlaskClient, new_checkpoint: Any, admin: dict[str, str]) -> None:
    form = {"file": (BytesIO(new_checkpoint("xyz").to_bytes()), "any.safetensors")}
    assert client.post("/models/new/versions", data=form, headers=admin).status_code == 201
    assert client.get("/models/new").json["aliases"] == {"current": 1}  # type: ignore[index]


@pytest.mark.parametrize("data", [b"", b"x" * 1000, b"\x80\x04\x95" + b"\0" * 50, (1 << 62).to_bytes(8, "little") * 9])
def test_a_file_that_is_no_checkpoint_leaves_nothing_behind(
    client: FlaskClient, model_store: ModelStore, admin: dict[str, str], data: bytes
) -> None:
    for path in ("letters/versions", "new/versions"):
        reply = add(client, admin, data, path)
        assert (reply.status_code, reply.json["error"]["code"]) == (422, "invalid_checkpoint")
    assert left_behind(model_store) == []
    assert model_store.models() == ["letters"]


def test_a_checkpoint_that_was_damaged_on_its_way(
    client: FlaskClient, model_store: ModelStore, new_checkpoint: Any, admin: dict[str, str]
) -> None:
    data = bytearray(new_checkpoint().to_bytes())
    data[-1] ^= 1
    assert "damaged" in add(client, admin, bytes(data)).json["error"]["message"]
    assert model_store.versions("letters") == [1]


def test_other_refusals(client: FlaskClient, new_checkpoint: Any, admin: dict[str, str]) -> None:
    data = new_checkpoint().to_bytes()
    assert add(client, admin, data, "-/versions").status_code == 422
    reply = add(client, admin, data, "letters/versions?promote=maybe")
    assert (reply.status_code, reply.json["error"]["param"]) == (422, "promote")
    headers = admin | {"Content-Type": "application/json"}
    assert client.post("/models/letters/versions", data=data, headers=headers).status_code == 415
    announced = {"CONTENT_LENGTH": str(1 << 40)}
    reply = client.post("/models/letters/versions", headers=admin | OCTETS, environ_overrides=announced)
    assert reply.status_code == 413


class Endless(RawIOBase):
    """A body that never ends, and how much of it was taken."""

    taken = 0

    def read(self, size: int = -1) -> bytes:
        self.taken += size
        return bytes(size)


def test_an_upload_of_unknown_length_ends_at_the_limit(model_store: ModelStore, settings: Settings) -> None:
    app = Flask("test")
    exceptions.register(app)
    app.register_blueprint(models.admin_blueprint(model_store, settings, lambda: None, max_bytes=5 << 20))
    body = Endless()
    environ = {"wsgi.input": body, "wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    reply = app.test_client().post("/models/letters/versions", headers=OCTETS, environ_overrides=environ)
    assert reply.status_code == 413
    assert body.taken < 8 << 20
    assert left_behind(model_store) == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/models/letters/aliases/current"),
        ("DELETE", "/models/letters/aliases/stable"),
        ("DELETE", "/models/letters/versions/1"),
        ("GET", "/models/letters/versions/1/weights"),
        ("POST", "/models/letters/versions"),
        ("GET", "/corpora"),
        ("POST", "/corpora"),
        ("GET", "/jobs"),
        ("POST", "/jobs"),
        ("GET", "/jobs/x"),
        ("POST", "/jobs/x/cancel"),
    ],
)
def test_what_an_admin_may_do_others_may_not(new_client: Any, app_key: dict[str, str], method: str, path: str) -> None:
    client = new_client(api_keys=("app-key",))
    assert client.open(path, method=method).status_code == 401
    assert client.open(path, method=method, headers=app_key).status_code == 403
