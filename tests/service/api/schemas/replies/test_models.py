"""One reply has what a list of models shows, a damaged version included."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from charrnn.record import TrainingRecord
from model_store.store import ModelStore


def test_one_reply_has_every_version(client: FlaskClient, model_store: ModelStore, new_checkpoint: Any) -> None:
    model_store.publish("letters", new_checkpoint(loss=0.5))
    model_store.publish("others", new_checkpoint(loss=0.5))
    listed: Any = client.get("/models?details=true").json
    assert [model["name"] for model in listed["models"]] == ["others", "letters"]
    letters = listed["models"][1]
    first, second = letters["details"]
    alone: Any = client.get("/models/letters/versions/1").json
    assert {field: first[field] for field in ("published", "bytes", "config", "aliases", "gradients", "cells")} == {
        field: alone[field] for field in ("published", "bytes", "config", "aliases", "gradients", "cells")
    }
    assert (second["version"], second["aliases"]) == (2, [])
    assert [change["version"] for change in letters["history"]["current"]] == [1]


def test_a_prompt_that_suits_the_model_is_included(
    client: FlaskClient, model_store: ModelStore, new_checkpoint: Any
) -> None:
    checkpoint = new_checkpoint().with_record(TrainingRecord({"prompt": "once upon"}))
    model_store.publish("tales", checkpoint)
    listed: Any = client.get("/models?details=true").json
    assert [model["details"][0]["prompt"] for model in listed["models"]] == ["once upon", None]


def test_a_damaged_version_is_listed_as_that(client: FlaskClient, model_store: ModelStore, new_checkpoint: Any) -> None:
    version = model_store.publish("letters", new_checkpoint(loss=0.5))
    path = model_store.path("letters", version)
    path.write_bytes(path.read_bytes()[:20])
    listed: Any = client.get("/models?details=true").json
    good, bad = listed["models"][0]["details"]
    assert "damaged" not in good
    assert bad["damaged"]


def test_without_details_nothing_more_is_included(client: FlaskClient) -> None:
    plain = client.get("/models").json
    assert plain == client.get("/models?details=false").json
    assert plain["models"] == [{"name": "letters", "versions": [1], "aliases": {"current": 1}}]  # type: ignore[index]


@pytest.mark.parametrize("given", ["1", "yes", ""])
def test_what_is_neither_true_nor_false_is_refused(client: FlaskClient, given: str) -> None:
    reply: Any = client.get("/models", query_string={"details": given})
    assert (reply.status_code, reply.json["error"]["param"]) == (422, "details")


def test_the_losses_of_a_version_as_a_picture(
    client: FlaskClient, model_store: ModelStore, new_checkpoint: Any
) -> None:
    evaluations = [
        {"characters": 0, "step": 0, "training_loss": None, "validation_loss": 3.0},
        {"characters": 900, "step": 9, "training_loss": 2.0, "validation_loss": 2.5},
    ]
    checkpoint = new_checkpoint().with_record(TrainingRecord({"evaluations": evaluations}))
    version = model_store.publish("letters", checkpoint)
    reply = client.get(f"/models/letters/versions/{version}/curves.svg")
    assert (reply.status_code, reply.mimetype) == (200, "image/svg+xml")
    assert "lowest held-out loss: 2.5000" in reply.text
