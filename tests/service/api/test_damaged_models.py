"""Lists of models with a damaged file among them: the rest is shown, the damaged one says so, and can be got rid of."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from pydantic import TypeAdapter

from charrnn.record import TrainingRecord
from model_store.store import ModelStore
from service.api.schemas.replies.models import ModelReply
from tests.damage import DAMAGES


@pytest.fixture
def damaged(model_store: ModelStore, new_checkpoint: Any, request: pytest.FixtureRequest) -> ModelStore:
    """A store whose models have a second version each; that of `letters` is damaged."""
    for name in ("letters", "others"):
        for loss in (0.5, 0.4):
            model_store.publish(name, new_checkpoint(loss=loss))
        model_store.set_alias(name, "current", 1)
    DAMAGES[request.param](model_store.root / "letters" / "2.safetensors")
    return model_store


@pytest.mark.parametrize("damaged", DAMAGES, indirect=True)
def test_a_damaged_version(client: FlaskClient, damaged: ModelStore, admin: dict[str, str]) -> None:
    models = {model["name"]: model for model in client.get("/models").json["models"]}  # type: ignore[index]
    assert set(models) == {"letters", "others"}
    assert models["letters"]["damaged"].startswith("version 2: ")
    assert "damaged" not in models["others"]
    whole = client.get("/models/letters")
    TypeAdapter(ModelReply).validate_json(whole.data, strict=True)
    model: Any = whole.json
    assert ["damaged" in version for version in model["versions"]] == [False, True, False]
    version: Any = client.get("/models/letters/versions/2").json
    assert version == model["versions"][1]
    assert str(damaged.root) not in str(model)
    listed = [model["id"] for model in client.get("/v1/models").json["data"]]  # type: ignore[index]
    assert listed == ["others", "letters"]
    details: Any = client.get("/models?details=true").json
    assert [("damaged" in version) for version in details["models"][1]["details"]] == [False, True, False]
    for part in ("cells", "gradients", "curves.svg", "weights"):
        reply = client.get(f"/models/letters/versions/2/{part}", headers=admin)
        assert reply.status_code in ((200, 409) if part == "weights" else (404, 409)), reply.text
        reply.close()
    assert client.get("/gradients").status_code == 200
    assert client.post("/generate", json={"model": "letters@2"}).json["error"]["code"] == "model_unavailable"  # type: ignore[index]
    assert client.get("/v1/models/letters@2").json["damaged"]  # type: ignore[index]
    refused: Any = client.put("/models/letters/aliases/current", json={"version": 2}, headers=admin)
    assert (refused.status_code, refused.json["error"]["code"]) == (409, "version_damaged")
    promoted: Any = client.put("/models/letters/aliases/current", json={"version": 3}, headers=admin)
    assert (promoted.status_code, promoted.json["aliases"]) == (200, {"current": 3})
    assert client.delete("/models/letters/versions/2", headers=admin).status_code == 204
    assert "damaged" not in str(client.get("/models").json)


@pytest.mark.parametrize("wrong", [{"task": "sort"}, {"task": []}, {"unit": "line", "task": "tag", "delay": 10**9}])
def test_a_version_of_a_task_that_is_not_known(
    client: FlaskClient, model_store: ModelStore, new_checkpoint: Any, admin: dict[str, str], wrong: dict[str, Any]
) -> None:
    data = new_checkpoint().with_record(TrainingRecord(wrong)).to_bytes()
    sent: Any = client.post(
        "/models/letters/versions", data=data, headers=admin, content_type="application/octet-stream"
    )
    assert (sent.status_code, sent.json["error"]["code"]) == (422, "invalid_checkpoint")
    (model_store.root / "letters" / "2.safetensors").write_bytes(data)
    for path in ("/models", "/models?details=true", "/models/letters", "/models/letters/versions/2"):
        reply = client.get(path)
        assert (reply.status_code, "damaged" in reply.text) == (200, True)
    assert client.get("/models/letters").json["versions"][1]["version"] == 1  # type: ignore[index]
    assert client.post("/generate", json={"model": "letters@2"}).status_code == 503
    assert client.delete("/models/letters/versions/2", headers=admin).status_code == 204


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_aliases(client: FlaskClient, model_store: ModelStore, admin: dict[str, str], damage: str) -> None:
    model_store.root.joinpath("letters", "aliases.json").touch()
    DAMAGES[damage](model_store.root / "letters" / "aliases.json")
    listed: Any = client.get("/models").json["models"][0]  # type: ignore[index]
    assert listed["aliases"] == {"current": 1}
    assert "aliases.json" in listed["damaged"]
    model: Any = client.get("/models/letters").json
    assert model["history"]["current"][-1]["rebuilt"]
    assert model["damaged"] == listed["damaged"]
    assert client.post("/generate", json={}).json["version"] == 1  # type: ignore[index]
    assert client.put("/models/letters/aliases/current", json={"version": 1}, headers=admin).status_code == 200
    assert "damaged" not in client.get("/models").json["models"][0]  # type: ignore[index]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_sidecar(client: FlaskClient, model_store: ModelStore, admin: dict[str, str], damage: str) -> None:
    model_store.keep("letters", 1, "cells", {"cells": []})
    DAMAGES[damage](model_store.root / "letters" / "1.cells.json")
    version: Any = client.get("/models/letters/versions/1").json
    assert version["config"]
    if damage != "wrong_fields":
        assert version["damaged"].startswith("1.cells.json ")
    missing: Any = client.get("/models/letters/versions/1/cells")
    assert (missing.status_code, missing.json["error"]["code"]) == (404, "no_cells")
    assert client.get("/models/letters/versions/1/cells/speaker.svg").status_code == 404


def test_a_version_that_vanished(client: FlaskClient, model_store: ModelStore, new_checkpoint: Any) -> None:
    model_store.set_alias("letters", "current", model_store.publish("letters", new_checkpoint(loss=0.5)))
    (model_store.root / "letters" / "2.safetensors").unlink()
    assert client.post("/generate", json={}).json["version"] == 1, "the one before it serves"  # type: ignore[index]
    assert "does not exist" in client.get("/models").json["models"][0]["damaged"]  # type: ignore[index]
    assert "version 2" in client.get("/v1/models").json["data"][0]["damaged"]  # type: ignore[index]
