"""How far back versions learn, from records as a training leaves them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from flask.testing import FlaskClient
from pydantic import TypeAdapter

from charrnn.checkpoint import Checkpoint
from charrnn.config import Cell, ModelConfig
from charrnn.record import TrainingRecord
from charrnn.vocabulary import Vocabulary
from model_store.store import ModelStore
from service.api.schemas.replies.gradients import ComparedGradientsReply, GradientsReply
from service.api.schemas.replies.versions import VersionReply

STEPS = 30

Publish = Callable[..., int]


def trained(cell: Cell, factor: float, text: str = "a" * 64) -> Checkpoint:
    """A network whose gradient is multiplied by so much at every step back."""
    config = ModelConfig(3, cell, hidden_size=2)
    weights = {name: np.zeros(shape, np.float32) for name, shape in config.shapes().items()}
    measured = [
        {"step": step, "characters": 100 * step, "norms": [[2.0 * by**k for k in range(STEPS + 1)]]}
        for step, by in ((0, 0.25), (600, factor))
    ]
    record = {
        "corpus": {"name": "plays", "sha256": text},
        "training": {"segment_length": 40, "budget": {"steps": 600}},
        "gradients": measured,
    }
    return Checkpoint(config, Vocabulary("abc"), weights, TrainingRecord(record))


@pytest.fixture
def publish(model_store: ModelStore) -> Publish:
    def new(name: str, cell: Cell, factor: float, **fields: Any) -> int:
        return model_store.publish(name, trained(cell, factor, **fields))

    return new


@pytest.fixture
def three(publish: Publish) -> None:
    publish("vanilla", "rnn", 0.5)
    publish("gated", "gru", 0.9)
    publish("long", "lstm", 1.0)


def references(reply: Any) -> list[str]:
    return [f"{each['model']}@{each['version']}" for each in reply["versions"]]


def test_a_version_tells_how_far_back_it_learns(client: FlaskClient, publish: Publish) -> None:
    publish("vanilla", "rnn", 0.5)
    reply: Any = client.get("/models/vanilla/versions/1/gradients").json
    TypeAdapter(GradientsReply).validate_python(reply, strict=True)
    assert [(each["step"], each["characters"]) for each in reply["measured"]] == [(0, 0), (600, 60_000)]
    assert reply["measured"][1]["norms"][0][:3] == [2.0, 1.0, 0.5]
    assert reply["told"] == (
        "vanilla@1 (rnn, 1\N{MULTIPLICATION SIGN}2): 20 steps back, 9.5e-7 of the gradient is left,"
        " and less than a thousandth after 10."
        " Before training it was 9.1e-13, 20 steps back."
    )


def test_all_that_is_left_is_a_hundred_per_cent(client: FlaskClient, publish: Publish) -> None:
    publish("long", "lstm", 1.0)
    told = client.get("/models/long/versions/1/gradients").json["told"]  # type: ignore[index]
    assert "20 steps back, 100% of the gradient is left" in told


def test_it_stands_beside_the_record_and_not_in_it(client: FlaskClient, publish: Publish) -> None:
    publish("vanilla", "rnn", 0.5)
    version: Any = client.get("/models/vanilla/versions/1").json
    TypeAdapter(VersionReply).validate_python(version)
    assert "gradients" not in version["record"]
    assert version["record"]["corpus"]["name"] == "plays"
    assert client.get(version["gradients"]).status_code == 200
    assert client.get("/models/letters/versions/1").json["gradients"] is None  # type: ignore[index]


def test_a_version_is_drawn(client: FlaskClient, publish: Publish) -> None:
    publish("vanilla", "rnn", 0.5)
    reply = client.get("/models/vanilla/versions/1/gradients.svg")
    assert reply.mimetype == "image/svg+xml"
    assert ElementTree.fromstring(reply.text).get("aria-label") == "vanilla@1: rnn 1\N{MULTIPLICATION SIGN}2"


@pytest.mark.parametrize("path", ["gradients", "gradients.svg"])
def test_what_there_is_not(client: FlaskClient, path: str) -> None:
    reply: Any = client.get(f"/models/letters/versions/1/{path}")
    assert (reply.status_code, reply.json["error"]["code"]) == (404, "no_gradients")
    assert "letters@1" in reply.json["error"]["message"]
    assert client.get(f"/models/letters/versions/7/{path}").json["error"]["code"] == "version_not_found"  # type: ignore[index]
    assert client.get(f"/models/nobody/versions/1/{path}").json["error"]["code"] == "model_not_found"  # type: ignore[index]


def test_the_three_cells_beside_each_other(client: FlaskClient, three: None) -> None:
    reply: Any = client.get("/gradients").json
    TypeAdapter(ComparedGradientsReply).validate_python(reply, strict=True)
    assert references(reply) == ["vanilla@1", "gated@1", "long@1"]
    assert (reply["same_text"], reply["missing"]) == (True, [])
    assert reply["told"] == (
        "20 steps back, long@1 keeps 1,000,000 times as much of its gradient as vanilla@1,"
        " and gated@1 130,000 times as much."
    )
    svg = client.get("/gradients.svg")
    assert svg.mimetype == "image/svg+xml"
    said = ElementTree.fromstring(svg.text).get("aria-label") or ""
    assert said.replace("\N{MULTIPLICATION SIGN}", "x") == "How far back gradients reach: rnn 1x2, gru 1x2, lstm 1x2"


def test_the_newest_of_each_cell_on_the_text_that_most_of_them_learned(
    client: FlaskClient, three: None, publish: Publish
) -> None:
    publish("vanilla", "rnn", 0.6)
    publish("other", "gru", 0.9, text="b" * 64)
    assert references(client.get("/gradients").json) == ["vanilla@2", "gated@1", "long@1"]


def test_versions_that_are_asked_for(
    client: FlaskClient, three: None, publish: Publish, model_store: ModelStore
) -> None:
    publish("vanilla", "rnn", 0.6)
    publish("other", "gru", 1.1, text="b" * 64)
    model_store.set_alias("other", "current", 1)
    reply: Any = client.get("/gradients?versions=other@1,vanilla@2,vanilla@1,other@1,other").json
    assert references(reply) == ["other@1", "vanilla@2", "vanilla@1"]
    assert not reply["same_text"]
    assert "It grows at first, to 17 times its size 30 steps back." in reply["versions"][0]["told"]
    assert [body["cell"] for body in reply["missing"]] == ["lstm"]


def test_what_is_missing_can_be_asked_for_as_it_stands(
    client: FlaskClient, publish: Publish, admin: dict[str, str], tmp_path: Path
) -> None:
    text = b"the quick brown fox jumps over the lazy dog\n" * 10
    corpus: Any = client.post("/corpora", data=text, headers=admin | {"Content-Type": "text/plain"}).json
    publish("gated", "gru", 0.9, text=corpus["sha256"])
    missing = client.get("/gradients").json["missing"]  # type: ignore[index]
    assert [body["cell"] for body in missing] == ["rnn", "lstm"]
    for body in missing:
        reply: Any = client.post("/jobs", json=body, headers=admin)
        assert reply.status_code == 202, reply.text
        assert reply.json["request"]["segment_length"] == 40
        assert reply.json["request"]["budget"] == {"steps": 600}


def test_without_any_version_there_is_only_what_to_train(client: FlaskClient) -> None:
    reply: Any = client.get("/gradients").json
    assert (reply["versions"], reply["told"]) == ([], "")
    assert [body["cell"] for body in reply["missing"]] == ["rnn", "gru", "lstm"]
    assert client.get("/gradients.svg").status_code == 404


@pytest.mark.parametrize(
    ("versions", "status", "code"),
    [
        ("", 422, "invalid_name"),
        ("long@1,", 422, "invalid_name"),
        ("../x", 422, "invalid_name"),
        ("nobody", 404, "model_not_found"),
        ("long", 404, "alias_not_found"),
        ("letters", 404, "no_gradients"),
        (",".join(f"m{n}" for n in range(9)), 422, "invalid_value"),
    ],
)
def test_versions_that_cannot_be_compared(
    client: FlaskClient, three: None, versions: str, status: int, code: str
) -> None:
    for path in ("/gradients", "/gradients.svg"):
        reply: Any = client.get(path, query_string={"versions": versions})
        assert (reply.status_code, reply.json["error"]["code"]) == (status, code)


def test_a_key_is_asked_for_where_generating_asks_for_one(new_client: Any, app_key: dict[str, str]) -> None:
    closed = new_client(api_keys=("app-key",))
    for path in ("/gradients", "/gradients.svg", "/models/letters/versions/1/gradients"):
        assert closed.get(path).status_code == 401
        assert closed.get(path, headers=app_key).status_code in (200, 404)
