from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from charrnn import checkpoint as checkpoints
from model_store.store import ModelStore


def test_versions_with_their_records(client: FlaskClient, model_store: ModelStore) -> None:
    assert client.get("/models").json == {"models": [{"name": "letters", "versions": [1], "aliases": {"current": 1}}]}
    model: Any = client.get("/models/letters").json
    version = client.get("/models/letters/versions/1").json
    assert model["versions"] == [version]
    assert version is not None
    assert version["digest"] == model_store.describe("letters", 1).digest
    assert version["record"] == {"validation_loss": 1.0}
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


def test_delete(client: FlaskClient, model_store: ModelStore, new_checkpoint: Any, admin: dict[str, str]) -> None:
    model_store.publish("letters", new_checkpoint(loss=0.5))
    assert client.delete("/models/letters/versions/1", headers=admin).status_code == 409
    assert client.delete("/models/letters/versions/2", headers=admin).status_code == 204
    assert client.delete("/models/letters/versions/2", headers=admin).status_code == 404


def test_the_weights_come_as_they_are(client: FlaskClient, admin: dict[str, str], tmp_path: Path) -> None:
    reply = client.get("/models/letters/versions/1/weights", headers=admin)
    (tmp_path / "got").write_bytes(reply.data)
    reply.close()
    assert checkpoints.load(tmp_path / "got").record == {"validation_loss": 1.0}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/models/letters/aliases/current"),
        ("DELETE", "/models/letters/versions/1"),
        ("GET", "/models/letters/versions/1/weights"),
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
