from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from service.training.errors import QueueDownError

TEXT = "To be, or not to be: that is the question.\n" * 100


@pytest.fixture
def corpus(client: FlaskClient, admin: dict[str, str]) -> str:
    reply: Any = client.post("/corpora", data=TEXT, content_type="text/plain", headers=admin).json
    return str(reply["id"])


def start(client: FlaskClient, admin: dict[str, str], **fields: Any) -> Any:
    return client.post("/jobs", json=fields, headers=admin)


def test_a_job_with_defaults(client: FlaskClient, admin: dict[str, str], corpus: str, queue: Any) -> None:
    reply = start(client, admin, corpus=corpus, model="hamlet")
    assert reply.status_code == 202
    job = reply.json
    assert (job["status"], job["corpus"], job["model"]) == ("queued", corpus, "hamlet")
    assert queue.submitted == [job["id"]]
    assert client.get(f"/jobs/{job['id']}", headers=admin).json == {
        **job,
        "decided": {},
        "comparison": {},
        "metrics": [],
        "samples": [],
    }
    assert client.get("/jobs", headers=admin).json["jobs"] == [job]  # type: ignore[index]


def test_what_is_asked_for_is_kept(client: FlaskClient, admin: dict[str, str], corpus: str) -> None:
    asked = {
        "cell": "gru",
        "hidden_size": 32,
        "layers": 2,
        "embedding_size": 8,
        "dropout": 0.1,
        "segment_length": 16,
        "batch_size": 4,
        "learning_rate": 0.001,
        "clip": 0.5,
        "validation_fraction": 0.2,
        "validation_split": "end",
        "budget": {"steps": 20},
        "seed": 3,
        "promote": "never",
    }
    job = start(client, admin, corpus=corpus, model="hamlet", **asked).json
    assert {name: job["request"][name] for name in asked} == asked


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"cell": "transformer"}, "cell"),
        ({"hidden_size": 0}, "hidden_size"),
        ({"hidden_size": 10**9}, "hidden_size"),
        ({"layers": 17}, "layers"),
        ({"embedding_size": -1}, "embedding_size"),
        ({"dropout": 1.0}, "dropout"),
        ({"segment_length": 0}, "segment_length"),
        ({"batch_size": "big"}, "batch_size"),
        ({"learning_rate": 0}, "learning_rate"),
        ({"clip": -1}, "clip"),
        ({"validation_fraction": 0.9}, "validation_fraction"),
        ({"validation_split": "middle"}, "validation_split"),
        ({"budget": {}}, "budget"),
        ({"budget": {"minutes": 1, "steps": 5}}, "budget"),
        ({"budget": {"minutes": 0}}, "budget"),
        ({"budget": {"hours": 1}}, "budget"),
        ({"budget": 5}, "budget"),
        ({"seed": -1}, "seed"),
        ({"promote": "maybe"}, "promote"),
        ({"speed": 1}, "speed"),
        ({"model": "../x"}, "model"),
        ({"model": ""}, "model"),
        ({"model": None}, "model"),
        ({"corpus": None}, "corpus"),
    ],
)
def test_a_request_that_cannot_be(
    client: FlaskClient, admin: dict[str, str], corpus: str, fields: dict[str, Any], param: str
) -> None:
    reply = start(client, admin, **{"corpus": corpus, "model": "hamlet", **fields})
    assert reply.status_code == 422, reply.text
    assert reply.json["error"]["param"] == param, reply.json
    assert client.get("/jobs", headers=admin).json["jobs"] == []  # type: ignore[index]


def test_a_corpus_that_is_not_there(client: FlaskClient, admin: dict[str, str]) -> None:
    reply = start(client, admin, corpus="0123456789abcdef", model="hamlet")
    assert (reply.status_code, reply.json["error"]["code"]) == (404, "corpus_not_found")


def test_a_corpus_too_short_to_train_on(client: FlaskClient, admin: dict[str, str]) -> None:
    corpus: Any = client.post("/corpora", data="too short", content_type="text/plain", headers=admin).json
    reply = start(client, admin, corpus=corpus["id"], model="hamlet")
    assert (reply.status_code, reply.json["error"]["param"]) == (422, "corpus")
    assert "9" in reply.json["error"]["message"]
    assert "characters" in reply.json["error"]["message"]


def test_with_the_queue_down_the_job_is_kept_for_later(
    client: FlaskClient, admin: dict[str, str], corpus: str, queue: Any
) -> None:
    queue.error = QueueDownError("no Redis")
    reply = start(client, admin, corpus=corpus, model="hamlet")
    assert reply.status_code == 202
    assert client.get(f"/jobs/{reply.json['id']}", headers=admin).json["status"] == "queued"  # type: ignore[index]


def test_an_ended_stream_ends_an_event_source(client: FlaskClient, admin: dict[str, str], corpus: str) -> None:
    job = start(client, admin, corpus=corpus, model="hamlet").json["id"]
    client.post(f"/jobs/{job}/cancel", headers=admin)
    told = client.get(f"/jobs/{job}/events", headers=admin).text
    ids = re.findall(r"^id: (\d+)$", told, re.MULTILINE)
    assert len(ids) == 2

    def after(event: str) -> Any:
        return client.get(f"/jobs/{job}/events", headers=admin | {"Last-Event-ID": event})

    assert re.findall(r"^id: (\d+)$", after(ids[0]).text, re.MULTILINE) == ids[1:]
    assert (after(ids[1]).status_code, after(ids[1]).data) == (204, b"")
    assert [after("0").text, after("").text] == [told, told]
    assert client.get("/jobs/nothing/events", headers=admin | {"Last-Event-ID": "0"}).status_code == 404


@pytest.mark.parametrize(
    "event", ["17592186044415", "9" * 18, "9" * 19, "9" * 400, "-1", "x", "1.5", "1", "\u00b2", "1e3", " 7 7"]
)
def test_an_id_that_no_event_has(client: FlaskClient, admin: dict[str, str], corpus: str, event: str) -> None:
    job = start(client, admin, corpus=corpus, model="hamlet").json["id"]
    reply: Any = client.get(f"/jobs/{job}/events", headers=admin | {"Last-Event-ID": event})
    assert (reply.status_code, reply.json["error"]["param"]) == (422, "Last-Event-ID")


def test_cancel(client: FlaskClient, admin: dict[str, str], corpus: str) -> None:
    job = start(client, admin, corpus=corpus, model="hamlet").json
    reply = client.post(f"/jobs/{job['id']}/cancel", headers=admin)
    assert (reply.status_code, reply.json["status"]) == (200, "cancelled")  # type: ignore[index]


@pytest.mark.parametrize("job", ["nothing", "..", "x" * 300])
def test_a_job_that_is_not_there(client: FlaskClient, admin: dict[str, str], job: str) -> None:
    for reply in (client.get(f"/jobs/{job}", headers=admin), client.post(f"/jobs/{job}/cancel", headers=admin)):
        assert reply.status_code == 404


def test_a_job_is_drawn(client: FlaskClient, admin: dict[str, str], corpus: str) -> None:
    job = start(client, admin, corpus=corpus, model="hamlet").json
    reply = client.get(f"/jobs/{job['id']}/curves.svg", headers=admin)
    assert (reply.status_code, reply.mimetype) == (200, "image/svg+xml")
    assert "hamlet: queued" in reply.text
    assert client.get("/jobs/nothing/curves.svg", headers=admin).status_code == 404
    assert client.get(f"/jobs/{job['id']}/curves.svg").status_code == 401


def test_words_and_a_base_are_kept(client: FlaskClient, admin: dict[str, str], corpus: str) -> None:
    asked = {"level": "char", "base": "letters@1", "cell": "rnn", "hidden_size": 1}
    job = start(client, admin, corpus=corpus, model="hamlet", **asked).json
    assert {name: job["request"][name] for name in asked} == asked


@pytest.mark.parametrize(
    ("fields", "param", "said"),
    [
        ({"level": "sentence"}, "level", "'sentence'"),
        ({"base": "nothing"}, "base", "there is no model nothing"),
        ({"base": "letters@7"}, "base", "7"),
        ({"base": "../x"}, "base", "../x"),
        ({"base": "letters", "hidden_size": 2}, "hidden_size", "hidden_size must be 1, as in the base letters, not 2"),
        ({"base": "letters", "cell": "gru"}, "cell", "cell must be rnn"),
        ({"base": "letters", "level": "word"}, "level", "level must be char"),
    ],
)
def test_a_base_that_does_not_suit(
    client: FlaskClient, admin: dict[str, str], corpus: str, fields: dict[str, Any], param: str, said: str
) -> None:
    reply = start(client, admin, corpus=corpus, model="hamlet", **fields)
    assert reply.status_code == 422, reply.text
    assert reply.json["error"]["param"] == param
    assert said in reply.json["error"]["message"]
