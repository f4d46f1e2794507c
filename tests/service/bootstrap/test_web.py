"""Corpora by HTTP on two machines that share a store, which comes and goes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from durable.directory_objects import DirectoryObjects
from service.bootstrap.stores import Stores, open_stores
from service.bootstrap.web import build_web
from service.settings import Settings
from tests.service.api.conftest import ADMIN, MemoryQueue
from tests.service.conftest import MemoryRedis
from tests.service.training.corpora.unsteady import ALL, Unsteady
from tests.texts import FOX


def machine(root: Path, objects: Unsteady) -> tuple[FlaskClient, Stores]:
    settings = Settings(data_dir=root, default_model="none", admin_api_keys=("admin-key",))
    settings.data.make()
    stores = open_stores(settings, objects)
    assert stores.keys is not None and stores.keys.shared is not None
    stores.keys.shared.refresh()
    process = build_web(settings, stores=stores, redis=MemoryRedis(), queue=MemoryQueue())
    return process.application.test_client(), stores


def upload(client: FlaskClient, text: str) -> tuple[int, Any]:
    reply = client.post("/corpora?name=fox", data=text, content_type="text/plain", headers=ADMIN)
    return reply.status_code, reply.json


def train(client: FlaskClient, corpus: str) -> tuple[int, Any]:
    reply = client.post("/jobs", json={"corpus": corpus, "model": "m"}, headers=ADMIN)
    return reply.status_code, reply.json


def delete(client: FlaskClient, corpus: str) -> tuple[int, Any]:
    reply = client.delete(f"/corpora/{corpus}", headers=ADMIN)
    return reply.status_code, reply.json


def listed(client: FlaskClient) -> list[str]:
    reply: Any = client.get("/corpora", headers=ADMIN).json
    return [corpus["id"] for corpus in reply["corpora"]]


def test_corpora_of_two_machines(tmp_path: Path) -> None:
    objects = Unsteady(DirectoryObjects(tmp_path / "objects"))
    (a, _), (b, stores) = machine(tmp_path / "a", objects), machine(tmp_path / "b", objects)
    status, corpus = upload(a, FOX * 9)
    assert (status, upload(b, FOX * 9)[0], listed(b)) == (201, 200, [corpus["id"]])

    status, job = train(b, corpus["id"])
    assert status == 202
    status, refusal = delete(a, corpus["id"])
    assert (status, refusal["error"]["code"]) == (409, "corpus_in_use")

    objects.away = ALL
    for status, refusal in (upload(a, "another text"), delete(a, corpus["id"]), train(b, corpus["id"])):
        assert (status, refusal["error"]["code"]) == (503, "store_unavailable")
    assert (listed(a), listed(b)) == ([corpus["id"]], [corpus["id"]])
    assert b.get(f"/corpora/{corpus['id']}/preview", headers=ADMIN).status_code == 200
    objects.away = set()

    assert b.post(f"/jobs/{job['id']}/cancel", headers=ADMIN).status_code == 200
    assert delete(a, corpus["id"])[0] == 204
    assert listed(b) == [corpus["id"]], "until it looks"
    assert train(b, corpus["id"])[0] == 404
    assert listed(b) == stores.corpora.ids() == []
