"""Every example of the document is sent, an admin's too, and gets the reply that is documented."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from charrnn.checkpoint import Checkpoint
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.novelty import KnownTexts
from charrnn.tasks.arrangement import TEXT as TEXTS
from charrnn.tasks.arrangement import Arrangement
from charrnn.vocabulary import Vocabulary
from model_store.known_texts import keep_known_texts
from model_store.promotion import publish_and_promote
from model_store.store import ModelStore
from tests.networks import random_network
from tests.replies import sent_events, shape

TEXT = "ROMEO:\nBut soft! What light through yonder window breaks?\nJULIET:\n"
CORPUS = TEXT * 100
IN_PATHS = {"{name}": "letters", "{version}": "1", "{alias}": "current"}
RECORDS = ("/records", "/classify", "/tag", "/transduce", "/compare")
SHOWN = {*RECORDS, "/generate", "/v1/completions", "/trace", "/score", "/tokenize", "/detokenize", "/jobs"}


def network(arrangement: Arrangement = TEXTS) -> Checkpoint:
    return random_network(Vocabulary.of([TEXT]), "gru", 16, arrangement=arrangement, validation_loss=1.0)


MODELS = {
    "languages": Arrangement("classify", "line", "\n", ("de", "en", "fr")),
    "token-types": Arrangement("tag", "line", "\n", ("name", "operator"), delay=1),
    "dates": Arrangement("transduce", "line", "\n"),
    "shakespeare": TEXTS,
    "names": Arrangement("generate", "line", "\n"),
    "poems": Arrangement("generate", "line", "\n"),
}


@pytest.fixture
def new_checkpoint() -> Callable[..., Checkpoint]:
    return network


@pytest.fixture
def client(new_client: Callable[..., FlaskClient], model_store: ModelStore) -> FlaskClient:
    for name, arrangement in MODELS.items():
        publish_and_promote(model_store, name, network(arrangement))
        keep_known_texts(model_store, name, 1, KnownTexts.room_for(1))
    return new_client(engines=CpuEngine)


def test_every_documented_example(client: FlaskClient, admin: dict[str, str]) -> None:
    corpus = client.post("/corpora?name=examples", data=CORPUS, content_type="text/plain", headers=admin).json["id"]  # type: ignore[index]
    ran = set()
    document: Any = client.get("/openapi.json").json
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            assert not content or content["examples"], f"{path} takes JSON and shows none"
            for name, example in content.get("examples", {}).items():
                body = example["value"] | ({"corpus": corpus} if "corpus" in example["value"] else {})
                reply = client.open(filled(path), method=method.upper(), json=body, headers=admin)
                check(reply, operation, f"{path}: {name}")
                ran.add(path)
    assert ran >= SHOWN


def filled(path: str, places: dict[str, str] = IN_PATHS) -> str:
    for placeholder, value in places.items():
        path = path.replace(placeholder, value)
    return path


def check(reply: TestResponse, operation: dict[str, Any], about: str) -> None:
    documented = operation["responses"].get(str(reply.status_code))
    assert reply.status_code < 300, f"{about}: {reply.status_code} {reply.text}"
    schema = documented["content"][reply.mimetype]["schema"]
    if reply.mimetype == "application/json":
        assert any(matches(name_of(each), reply.text) for each in schema.get("anyOf", [schema])), (
            f"{about}: {reply.text}"
        )
        return
    if reply.mimetype == "application/x-ndjson":
        check_values(reply.text.splitlines(), schema["anyOf"], about)
        return
    shapes = schema["properties"]["data"]["anyOf"][1]["contentSchema"]["anyOf"]
    *events, done = sent_events(reply.text)
    assert (done.data, bool(events)) == ("[DONE]", True), about
    check_values([event.data for event in events], shapes, about)


def check_values(values: list[str], shapes: list[dict[str, str]], about: str) -> None:
    for data in values:
        assert any(matches(name_of(each), data) for each in shapes), f"{about}: {data}"
        assert "error" not in json.loads(data), about


def matches(name: str, data: str) -> bool:
    try:
        shape(name).validate_json(data, strict=True)
    except ValueError:
        return False
    return True


def name_of(schema: dict[str, str]) -> str:
    return schema["$ref"].rpartition("/")[2]


def test_what_is_read_is_as_documented(client: FlaskClient, admin: dict[str, str]) -> None:
    document, ran = client.get("/openapi.json").json, 0
    places = IN_PATHS | {"{reference}": "letters", "{slug}": "speaker"} | stored(client, admin)
    for documented, methods in document["paths"].items():  # type: ignore[index]
        path = filled(documented, places)
        if "get" not in methods or "{" in path:
            continue
        reply = client.get(path, headers=admin)
        content = methods["get"]["responses"][str(reply.status_code)].get("content", {})
        assert reply.mimetype in content, f"{path}: {reply.status_code} {reply.mimetype}"
        if "$ref" in (schema := content[reply.mimetype]["schema"]):
            shape(name_of(schema)).validate_json(reply.data, strict=True)
            ran += 1
        reply.close()
    assert ran > 15


def stored(client: FlaskClient, admin: dict[str, str]) -> dict[str, str]:
    """A corpus and a job, by the parts of paths that name them."""
    sent = client.post("/corpora?model=plays", data=CORPUS, content_type="text/plain", headers=admin)
    shape("NewCorpus").validate_json(sent.data, strict=True)
    new: Any = sent.json
    client.post(f"/jobs/{new['job']['id']}/cancel", headers=admin)
    return {"{corpus_id}": new["id"], "{job_id}": new["job"]["id"]}
