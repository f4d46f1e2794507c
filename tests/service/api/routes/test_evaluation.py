from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from model_store.promotion import publish_and_promote
from model_store.store import ModelStore
from service.training.evaluation import KIND
from tests.replies import shape
from tests.service.generation.record_models import NETWORKS

LABELS = {"task": "classify", "records": 5, "held_out": 9, "compared": 5, "accuracy": 0.6, "macro_f1": 0.5}
TEXTS = {"task": "transduce", "records": 5, "held_out": 5, "tokens": 40, "loss": 0.5, "bits_per_character": 0.8}


@pytest.mark.parametrize(
    ("name", "kept", "more"),
    [
        ("sentiment", {**LABELS, "confusion": [[2, 1], [1, 1]]}, {"labels": ["bad", "good"]}),
        ("sentiment", {**LABELS, "confusion": None}, {"labels": ["bad", "good"]}),
        ("transducer", {**TEXTS, "exact_match": 0.4}, {}),
        ("records", {**TEXTS, "task": "generate"}, {}),
    ],
)
def test_what_is_kept_is_shown(
    client: FlaskClient, model_store: ModelStore, name: str, kept: dict[str, Any], more: dict[str, Any]
) -> None:
    publish_and_promote(model_store, name, NETWORKS[name])
    model_store.keep(name, 1, KIND, kept)
    reply = client.get(f"/models/{name}/versions/1/evaluation")
    assert (reply.status_code, reply.json) == (200, {"model": name, "version": 1, **kept, **more})
    shape("EvaluationReply").validate_json(reply.data, strict=True)


def test_what_there_is_not_is_said(client: FlaskClient, model_store: ModelStore) -> None:
    publish_and_promote(model_store, "records", NETWORKS["records"])
    for name, says in (("records", "held-out records"), ("letters", "its record has the loss on the text")):
        reply: Any = client.get(f"/models/{name}/versions/1/evaluation")
        assert (reply.status_code, reply.json["error"]["code"]) == (404, "no_evaluation")
        assert says in reply.json["error"]["message"]
    model_store.keep("records", 1, KIND, {**TEXTS, "loss": "damaged"})
    assert client.get("/models/records/versions/1/evaluation").status_code == 404
    missing: Any = client.get("/models/records/versions/2/evaluation").json
    assert missing["error"]["code"] == "version_not_found"
    missing = client.get("/models/nothing/versions/2/evaluation").json
    assert missing["error"]["code"] == "model_not_found"
