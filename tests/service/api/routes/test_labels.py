from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient

from charrnn.engine.gpu.reference import ReferenceEngine
from model_store.promotion import publish_and_promote
from model_store.store import ModelStore
from tests.replies import shape
from tests.service.generation.record_models import LETTERS, MANY, NETWORKS, log_softmax

ROUTES = {"/classify": "classifier", "/tag": "tagger", "/transduce": "transducer"}


@pytest.fixture
def client(new_client: Callable[..., FlaskClient], model_store: ModelStore) -> FlaskClient:
    for name, network in NETWORKS.items():
        publish_and_promote(model_store, name, network)
    return new_client(engines=ReferenceEngine, max_reply_values=5000)


def ask(client: FlaskClient, path: str, status: int = 200, **fields: Any) -> Any:
    reply = client.post(path, json=fields)
    assert reply.status_code == status, reply.text
    assert "X-Cache" not in reply.headers
    return reply.json


def test_a_text_and_several_texts_are_classified(client: FlaskClient) -> None:
    probabilities = np.exp(log_softmax("classifier", LETTERS.encode("abc"))[-1])
    one = ask(client, "/classify", model="classifier", text="abc")
    assert (one["model"], one["version"], len(one["results"])) == ("classifier", 1, 1)
    (result,) = one["results"]
    assert result["label"] == MANY[int(probabilities.argmax())] == next(iter(result["probabilities"]))
    assert result["probability"] == result["probabilities"][result["label"]]
    assert result["probabilities"] == pytest.approx(dict(zip(MANY, probabilities.tolist(), strict=True)), abs=1e-5)
    several = ask(client, "/classify", model="classifier", texts=["e", "abc"])
    assert several["results"][1] == result and several["results"][0] != result
    (top,) = ask(client, "/classify", model="classifier", text="abc", top=2)["results"]
    assert list(top["probabilities"].items()) == list(result["probabilities"].items())[:2]


def test_a_text_is_tagged(client: FlaskClient) -> None:
    found = ask(client, "/tag", model="later", texts=["abcde", "?a"], unknown="skip")
    assert (found["model"], found["version"]) == ("later", 1)
    first, second = found["results"]
    assert len(first["tags"]) == 5 and set(first["tags"]) <= {"no", "yes"} and "skipped" not in first
    assert [span["tag"] for span in first["spans"]] == [
        tag for before, tag in zip([None, *first["tags"]], first["tags"], strict=False) if tag != before
    ]
    assert (first["spans"][0]["start"], first["spans"][-1]["end"]) == (0, 5)
    assert second["tags"][0] is None and second["spans"][0]["start"] == 1
    assert second["skipped"] == [{"position": 0, "character": "?"}]


def test_a_text_is_turned_into_another(client: FlaskClient) -> None:
    greedy, few = (
        ask(client, "/transduce", model="transducer", texts=["abc", "e"], beams=beams, length=9)["results"]
        for beams in (1, 8)
    )
    for one, other in zip(greedy, few, strict=True):
        assert set(one) == {"text", "logprob", "finish_reason"} and one["finish_reason"] in ("end", "length")
        assert one["logprob"] <= other["logprob"] + 1e-6
    assert ask(client, "/transduce", model="transducer", text="e", length=9)["results"] == [greedy[1]]
    default = ask(client, "/transduce", model="transducer", text="e")["results"][0]
    assert default["finish_reason"] == "end" or len(default["text"]) == 1000


def test_models_are_compared(client: FlaskClient) -> None:
    models = ["records", "labels@1", "text@current"]
    found = ask(client, "/compare", models=models, texts=["abc", "de"])
    for result in found["results"]:
        assert list(result["probabilities"]) == list(result["bits_per_character"]) == models
        assert sum(result["probabilities"].values()) == pytest.approx(1)
    assert ask(client, "/compare", models=models, text="de")["results"] == found["results"][1:]


def test_replies_are_as_documented(client: FlaskClient) -> None:
    asked: dict[str, Any] = {
        **{path: {"model": model, "texts": ["a!", "b"], "unknown": "skip"} for path, model in ROUTES.items()},
        "/compare": {"models": ["records", "text"], "texts": ["", "b"]},
    }
    for path, body in asked.items():
        reply = client.post(path, json=body)
        assert reply.status_code == 200, reply.text
        shape(f"{path[1:].title()}Reply").validate_json(reply.data, strict=True)


@pytest.mark.parametrize("path", [*ROUTES, "/compare"])
def test_a_fault_in_one_of_the_texts_is_named(client: FlaskClient, path: str) -> None:
    body = {"models": ["records", "ab"]} if path == "/compare" else {"model": ROUTES[path]}
    error = ask(client, path, 422, **body, texts=["a", "b", "a", "b!"])["error"]
    assert (error["code"], error["param"]) == ("unknown_character", "texts[3]")
    assert error["unknown"] == [{"position": 1, "character": "!"}]
    assert error["message"].startswith("texts[3]: ") and ("skip" in error["message"]) == (path != "/compare")
    error = ask(client, path, 422, **body, text="b!")["error"]
    assert (error["code"], error["param"]) == ("unknown_character", "text")
    if path == "/compare":
        assert "records version 1 cannot read it: 1 character" in error["message"]
    else:
        error = ask(client, path, 422, **body, texts=["a", ""])["error"]
        assert (error["code"], error["param"]) == ("invalid_value", "texts[1]")
        error = ask(client, path, 422, **body, text="!", unknown="skip")["error"]
        assert error["message"] == "text: a record must have at least 1 token that the model knows, not 0"
    for fields, param in (
        ({}, "text"),
        ({"text": "a", "texts": ["a"]}, "texts"),
        ({"texts": []}, "texts"),
        ({"texts": ["a"] * 1001}, "texts"),
        ({"texts": ["a", 5]}, "texts[1]"),
        ({"texts": ["a", "a" * 2001]}, "texts[1]"),
        ({"text": "a", "cache": False}, "cache"),
    ):
        assert ask(client, path, 422, **body, **fields)["error"]["param"] == param


def test_another_task_names_its_route(client: FlaskClient) -> None:
    for path in ROUTES:
        for other, model in {**ROUTES, "/generate": "text"}.items():
            if other != path:
                error = ask(client, path, 422, model=model, text="a")["error"]
                assert (error["code"], error["param"]) == ("wrong_task", "model")
                assert error["message"].endswith(f": ask POST {other}")
    error = ask(client, "/compare", 422, models=["records", "tagger"], text="a")["error"]
    assert error["code"] == "wrong_task" and "POST /tag" in error["message"]


@pytest.mark.parametrize(
    ("path", "fields", "says"),
    [
        ("/classify", {"model": "classifier", "top": 0}, "greater than or equal to 1, not 0"),
        ("/classify", {"model": "classifier", "texts": ["a"] * 334}, "top returns fewer labels, must be at most 5000"),
        ("/transduce", {"model": "transducer", "beams": 17}, "less than or equal to 16, not 17"),
        ("/transduce", {"model": "transducer", "beams": 0}, "greater than or equal to 1, not 0"),
        ("/transduce", {"model": "transducer", "length": 0}, "greater than or equal to 1, not 0"),
        ("/transduce", {"model": "transducer", "length": 1001}, "at most 1000 tokens (MAX_LENGTH), not 1001"),
        ("/transduce", {"model": "transducer", "texts": ["a"] * 6}, "texts x length, must be at most 5000"),
        ("/compare", {"models": ["text"]}, "at least 2 items after validation, not 1"),
        ("/compare", {"models": ["text", "ab", "text"]}, "'text' is there twice"),
        ("/compare", {"models": ["text"] * 17}, "at most 16 items"),
        ("/compare", {}, "models is required"),
    ],
)
def test_bounds(client: FlaskClient, path: str, fields: dict[str, Any], says: str) -> None:
    body = {"text": "a"} | fields if "texts" not in fields else fields
    assert says.replace(" after validation", "") in ask(client, path, 422, **body)["error"]["message"]


def test_a_model_that_there_is_not(client: FlaskClient) -> None:
    for path in ROUTES:
        assert ask(client, path, 404, model="nothing", text="a")["error"]["code"] == "model_not_found"
    assert ask(client, "/compare", 404, models=["text", "nothing"], text="a")["error"]["code"] == "model_not_found"


@pytest.mark.parametrize("model", NETWORKS)
def test_every_model_can_be_traced(client: FlaskClient, model: str) -> None:
    text = "one two" if model == "words" else "abab"
    asked: dict[str, Any] = {"model": model, "text": text, "cells": [{"layer": 0, "unit": 2}]}
    found = ask(client, "/trace", **asked)
    shape("TraceReply").validate_python(found)
    assert "".join(found["tokens"]) == text
    assert {len(found[name]) for name in ("surprisal", "top", "tokens")} == {len(found["cells"][0]["values"])}
    for kind in ("image/svg+xml", "image/png"):
        assert client.post("/trace", json=asked, headers={"Accept": kind}).mimetype == kind
    plain: Any = client.post("/trace", json={"model": model, "text": text}, headers={"Accept": "image/svg+xml"})
    if NETWORKS[model].arrangement.task == "generate":
        assert plain.status_code == 200
    else:
        error = plain.json["error"]
        assert (plain.status_code, error["param"]) == (422, "cells")
        assert error["message"] == f"cells must name a cell: {model}@1 writes no text, so none is surprising"


def test_generated_records_are_traced(client: FlaskClient) -> None:
    body = {"model": "labels", "label": "x", "n": 3, "length": 40, "trace": {"cells": [{"layer": 0, "unit": 1}]}}
    found = ask_generate(client, body)
    for choice in found["choices"]:
        assert "".join(choice["trace"]["tokens"]) == choice["text"]
        assert len(choice["trace"]["cells"][0]["values"]) == len(choice["trace"]["tokens"])


def ask_generate(client: FlaskClient, body: dict[str, Any]) -> Any:
    reply = client.post("/generate", json=body)
    assert reply.status_code == 200, reply.text
    return reply.json
