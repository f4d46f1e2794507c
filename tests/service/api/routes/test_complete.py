"""`POST /complete`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from charrnn.engine.cpu.batch import CpuEngine
from model_store.promotion import publish_and_promote
from model_store.store import ModelStore
from tests.service.generation.record_models import NETWORKS


@pytest.fixture
def client(new_client: Callable[..., FlaskClient], model_store: ModelStore) -> FlaskClient:
    for name in ("text", "records", "tagger"):
        publish_and_promote(model_store, name, NETWORKS[name])
    return new_client(engines=CpuEngine)


def ask(client: FlaskClient, status: int = 200, **fields: Any) -> Any:
    reply = client.post("/complete", json={"model": "text", **fields})
    assert reply.status_code == status, reply.text
    return reply.json if status == 200 else reply.json["error"]  # type: ignore[index]


def test_the_probabilities_are_those_of_scores(client: FlaskClient) -> None:
    found = ask(client, prompt="abc d", n=20, length=3, until="e")
    assert (found["model"], found["version"], found["exact"], len(found["completions"])) == ("text", 1, True, 20)
    assert len({each["text"] for each in found["completions"]}) == 20
    probabilities = [each["probability"] for each in found["completions"]]
    assert probabilities == sorted(probabilities, reverse=True)
    for each in found["completions"]:
        ended = "e" if each["finish_reason"] == "stop" else ""
        score = client.post("/score", json={"model": "text", "text": f"abc d{each['text']}{ended}"}).json
        assert each["logprob"] == pytest.approx(math.fsum(score["logprobs"][5:]), abs=1e-5)  # type: ignore[index]
        assert each["probability"] == pytest.approx(math.exp(each["logprob"]))
        assert (each["finish_reason"] == "length") == (len(each["text"]) == 3)
    assert found["usage"]["prompt_tokens"] == 5
    assert found["usage"]["completion_tokens"] == sum(len(each["text"]) for each in found["completions"])
    assert ask(client, prompt="abc d", n=20, length=3, until=["e"])["completions"] == found["completions"]


def test_defaults(client: FlaskClient) -> None:
    found = ask(client, prompt="abc")
    assert len(found["completions"]) == 5
    assert not any(" " in each["text"] or "\n" in each["text"] for each in found["completions"])
    assert found["completions"] == ask(client, prompt="abc", until=["\n", " ", " "], n=5, length=30)["completions"]
    assert ask(client)["usage"]["prompt_tokens"] == 0
    unending = ask(client, prompt="abc", until=[], length=4)["completions"]
    assert {(len(each["text"]), each["finish_reason"]) for each in unending} == {(4, "length")}
    again = ask(client, prompt="abca")
    assert again["usage"]["cached_tokens"] == 3


def test_a_pattern_says_what_is_a_completion(client: FlaskClient) -> None:
    found = ask(client, prompt="abc", regex="[ab]{2} ?c", n=20)
    assert len(found["completions"]) == 8 and found["exact"]
    assert {each["finish_reason"] for each in found["completions"]} == {"stop"}
    choice = ask(client, prompt="abc", choice=["ab", "a?"])
    assert [each["text"] for each in choice["completions"]] == ["ab"]


FAULTS: list[tuple[dict[str, Any], str, str, str]] = [
    ({"n": 0}, "invalid_value", "n", "0"),
    ({"n": 21}, "invalid_value", "n", "20"),
    ({"length": 0}, "invalid_value", "length", "1"),
    ({"length": 101}, "invalid_value", "length", "100"),
    ({"until": ["x"] * 9}, "invalid_value", "until", "8"),
    ({"until": 3}, "invalid_value", "until", "a string or a list of strings"),
    ({"until": ["a", ""]}, "invalid_value", "until", "1"),
    ({"prompt": 3}, "invalid_value", "prompt", "3"),
    ({"prompt": "a?"}, "unknown_character", "prompt", "'?' at 1"),
    ({"temperature": 1}, "unknown_field", "temperature", "temperature"),
    ({"model": "tagger"}, "wrong_task", "model", "POST /tag"),
    ({"regex": "a", "choice": ["a"]}, "invalid_value", "choice", "regex"),
    ({"regex": "(a"}, "invalid_pattern", "regex", "regex"),
    ({"regex": "a{5}", "length": 4}, "length_too_short", "length", "aaaaa"),
    ({"regex": "?a"}, "invalid_pattern", "regex", "0"),
]


@pytest.mark.parametrize(("fields", "code", "param", "said"), FAULTS, ids=[str(each[0]) for each in FAULTS])
def test_bad_input(client: FlaskClient, fields: dict[str, Any], code: str, param: str, said: str) -> None:
    error = ask(client, 422, **fields)
    assert (error["code"], error["param"]) == (code, param)
    assert said in error["message"] and param in error["message"]


def test_no_such_model(client: FlaskClient) -> None:
    assert ask(client, 404, model="nothing")["param"] == "model"
