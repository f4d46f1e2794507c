"""A text goes on from a token in any process with the key, and what is no such token is refused with a clear error."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from charrnn.engine.cpu.batch import CpuEngine
from charrnn.tasks.arrangement import TEXT
from charrnn.vocabulary import Vocabulary
from model_store.promotion import publish_and_promote
from model_store.store import ModelStore
from service.generation.continuations.continuation import Continuation
from service.generation.continuations.tokens import LONGEST, Continuations
from service.generation.scheduling.scheduler import Scheduler
from service.settings import Settings
from tests.networks import random_network
from tests.replies import sent_events, shape
from tests.service.conftest import LETTERS, CountingEngine
from tests.service.generation.record_models import arranged

NEW, OLD = "n" * 32, "o" * 32
ASK: dict[str, Any] = {"prompt": "a", "length": 5, "seed": 0, "continuation": True}


def ask(client: FlaskClient, status: int = 200, token: Any = None, **fields: Any) -> Any:
    reply = client.post("/generate", json={**fields, "continue": token})
    assert reply.status_code == status, reply.text
    if status == 200:
        shape("GenerateReply").validate_python(reply.json)
    return reply.json


def refused(client: FlaskClient, status: int, code: str, param: str, **fields: Any) -> str:
    for stream in (False, True):
        error = ask(client, status, **fields, stream=stream)["error"]
        assert (error["code"], error["param"]) == (code, param)
    return str(error["message"])


def begun(client: FlaskClient, **fields: Any) -> str:
    """A token for what comes after bcdef."""
    token: str = ask(client, **{**ASK, **fields})["choices"][0]["continuation"]
    return token


def held(client: FlaskClient, settings: Settings) -> tuple[Continuations, Continuation]:
    """What a token of the client holds, and what reads and makes its tokens."""
    tokens = Continuations(lambda: (settings.data.continuation_key.read_text().strip(),))
    return tokens, tokens.read(begun(client))


@pytest.fixture
def real(new_client: Callable[..., FlaskClient], model_store: ModelStore) -> FlaskClient:
    """A client of a service with a network."""
    for name, arrangement in (("text", TEXT), ("records", arranged("generate", ("x", "y")))):
        network = random_network(Vocabulary("\nabc"), "lstm", 12, arrangement=arrangement)
        publish_and_promote(model_store, name, network)
    return new_client(engines=CpuEngine)


def test_a_text_goes_on_in_several_rounds_and_in_streams(client: FlaskClient) -> None:
    first = ask(client, **ASK)
    assert (first["text"], first["cached"]) == ("bcdef", False)
    second = ask(client, token=first["choices"][0]["continuation"], length=3, continuation=True)
    assert (second["text"], second["model"], second["version"]) == ("ghi", "letters", 1)
    assert second["usage"] == {"prompt_tokens": 0, "completion_tokens": 3, "total_tokens": 3}
    token = second["choices"][0]["continuation"]
    reply = client.post("/generate", json={"continue": token, "length": 4, "stream": True, "continuation": True})
    *chunks, end = [json.loads(event.data) for event in sent_events(reply.text)[:-1]]
    for chunk in chunks:
        shape("GenerateChunk").validate_python(chunk)
    assert "".join(chunk["text"] for chunk in chunks) == "jklm"
    assert [("continuation" in chunk, chunk["finish_reason"] is not None) for chunk in chunks[:-1]] == [
        (False, False) for _ in chunks[:-1]
    ]
    assert "continuation" not in end
    assert ask(client, token=chunks[-1]["continuation"], length=2)["text"] == "no"


def test_what_is_not_asked_for_is_not_there(client: FlaskClient) -> None:
    assert "continuation" not in ask(client, **{**ASK, "continuation": False})["choices"][0]
    assert ask(client, token=begun(client))["usage"]["completion_tokens"] == 200


def test_a_prompt_is_read_first_and_is_all_that_is_echoed(client: FlaskClient) -> None:
    reply = ask(client, token=begun(client), prompt="xp", length=2, echo=True, unknown="skip")
    assert (reply["text"], reply["usage"]["prompt_tokens"]) == ("xpqr", 2)
    assert ask(client, token=begun(client), echo=True, length=2)["text"] == "gh"


def test_a_fork_has_other_seeds(client: FlaskClient) -> None:
    token = begun(client)
    reply = ask(client, token=token, n=3, length=2, continuation=True)
    assert [(choice["text"], choice["seed"]) for choice in reply["choices"]] == [("gh", 0), ("hj", 1), ("il", 2)]
    assert ask(client, token=token, seed=2, length=2)["text"] == "il"
    again = ask(client, token=reply["choices"][2]["continuation"], length=1)
    assert (again["text"], again["choices"][0]["seed"]) == ("o", 2)


def test_what_is_not_given_or_null_stays_as_it_was(real: FlaskClient) -> None:
    fields: dict[str, Any] = {
        **{"model": "text", "prompt": "ab", "seed": 77, "temperature": 1.3, "top_k": 3, "repetition_penalty": 1.2},
        **{"presence_penalty": 0.4, "logit_bias": {"1": 0.5}, "stop": ["ccc\n"], "include_stop_str_in_output": True},
        **{"min_tokens": 40, "allowed_token_ids": [0, 1, 2, 3]},
    }
    whole = ask(real, **fields, length=300)
    first = ask(real, **fields, length=25, continuation=True)["choices"][0]
    more: dict[str, Any] = {"token": first["continuation"], "length": 275}
    assert first["text"] + ask(real, **more)["text"] == whole["text"]
    nulls = dict.fromkeys([*fields, "label", "trace", "prompt"])
    reply = ask(real, **{**nulls, **more})
    assert (first["text"] + reply["text"], reply["choices"][0]["seed"]) == (whole["text"], 77)
    assert ask(real, **more, model="text@1")["text"] == ask(real, **more, model="text")["text"] == reply["text"]
    for changed in ({"temperature": 0.1}, {"repetition_penalty": 1}, {"seed": 78}, {"allowed_token_ids": [1, 2]}):
        assert ask(real, **more, **changed)["text"] != reply["text"], changed
    with_logprobs = ask(real, **more, logprobs=2)
    assert with_logprobs["text"] == reply["text"] and len(with_logprobs["choices"][0]["logprobs"]) > 2
    assert "logprobs" not in ask(real, **more)["choices"][0]


def test_a_stop_text_stays_and_another_takes_its_place(client: FlaskClient) -> None:
    first = ask(client, **{**ASK, "length": 20, "stop": "de"})
    assert (first["text"], first["choices"][0]["finish_reason"]) == ("bc", "stop")
    token = first["choices"][0]["continuation"]
    after = ask(client, token=token, length=40)
    assert (after["text"], after["choices"][0]["finish_reason"]) == (LETTERS[5:] + "abc", "stop")
    assert ask(client, token=token, length=40, stop=["hi", "x"])["text"] == "fg"
    assert ask(client, token=token, length=30, stop=[])["usage"]["completion_tokens"] == 30


def test_a_stop_text_is_found_across_the_end_of_the_text_before(client: FlaskClient) -> None:
    fields = {**ASK, "length": 4, "stop": "efg"}
    first = ask(client, **fields)
    assert (first["text"], first["choices"][0]["finish_reason"]) == ("bcde", "length")
    reply = ask(client, token=first["choices"][0]["continuation"], length=9)
    assert (reply["text"], reply["choices"][0]["finish_reason"], reply["usage"]["completion_tokens"]) == ("", "stop", 2)


def test_it_goes_on_in_another_process_after_a_restart(
    new_client: Callable[..., FlaskClient], client: FlaskClient
) -> None:
    """Replicas that share the folder share the key, which is made once."""
    assert ask(new_client(), token=begun(client), length=2)["text"] == "gh"


def test_keys_are_rotated(new_client: Callable[..., FlaskClient]) -> None:
    old, both, new = (new_client(continuation_keys=keys) for keys in ((OLD,), (NEW, OLD), (NEW,)))
    asked = {"length": 2}
    assert ask(both, token=begun(old), **asked)["text"] == "gh"
    assert ask(new, token=begun(both), **asked)["text"] == "gh"
    message = refused(new, 422, "invalid_continuation", "continue", token=begun(old))
    assert message.startswith("continue: ") and "key is not accepted" in message


def test_a_key_that_cannot_be_read_makes_and_reads_no_tokens(client: FlaskClient, settings: Settings) -> None:
    token = begun(client)
    settings.data.continuation_key.write_text("half")
    time.sleep(1.1)
    for fields in (ASK, {"token": token}):
        assert ask(client, 503, **fields)["error"]["code"] == "keys_unavailable"
    assert ask(client, prompt="a", length=2, seed=0)["text"] == "bc"
    degraded = client.get("/readyz").json
    assert degraded is not None and degraded["degraded"][0].startswith("keys: continuation-key holds no key")


def test_what_is_no_token_is_refused(client: FlaskClient) -> None:
    token = begun(client)
    for wrong in ("", "abc", token[:-1], token[:50], token + "A", token.swapcase(), "\ud83d\ude00.x", token * 100):
        message = refused(client, 422, "invalid_continuation", "continue", token=wrong, length=5)
        assert message.startswith("continue: ")
    message = refused(client, 422, "invalid_continuation", "continue", token="a" * 3_000_000)
    assert f"at most {LONGEST} characters, not 3000000" in message
    for value in (5, ["a"], {"a": 1}, True):
        refused(client, 422, "invalid_value", "continue", token=value)


def test_another_model_is_refused_and_a_deleted_version_not_found(
    client: FlaskClient, model_store: ModelStore, admin: dict[str, str]
) -> None:
    token = begun(client)
    checkpoint = model_store.load("letters", 1)
    publish_and_promote(model_store, "letters", checkpoint)
    publish_and_promote(model_store, "other", checkpoint)
    client.put("/models/letters/aliases/current", json={"version": 2}, headers=admin)
    assert ask(client, token=token, length=2)["version"] == 1
    for model in ("letters", "letters@2", "letters@9", "other", "none"):
        message = refused(client, 422, "invalid_value", "model", token=token, model=model)
        assert "letters@1" in message and repr(model) in message
    assert client.delete("/models/letters/versions/1", headers=admin).status_code == 204
    assert ask(client, 404, token=token)["error"]["code"] == "version_not_found"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"digest": "0" * 64}, "other weights"),
        ({"precision": "float32"}, "generates in exact now, and the state is in float32"),
        ({"state": b""}, "state"),
    ],
)
def test_a_state_of_another_network_is_refused(
    client: FlaskClient, settings: Settings, change: dict[str, Any], reason: str
) -> None:
    tokens, continuation = held(client, settings)
    fields = {name: getattr(continuation, name) for name in continuation.__slots__}
    token = tokens.token(Continuation(**{**fields, **change}))
    assert reason in refused(client, 422, "invalid_continuation", "continue", token=token)


def test_what_makes_no_sense_with_it_is_refused(real: FlaskClient) -> None:
    asked: dict[str, Any] = {"model": "records", "label": "x", "length": 1000, "continuation": True, "seed": 1}
    token = ask(real, **asked)["choices"][0]["continuation"]
    assert "label must be omitted" in refused(real, 422, "invalid_value", "label", token=token, label="x")
    trace = {"cells": [{"layer": 0, "unit": 1}]}
    assert ask(real, 422, token=token, trace=trace)["error"]["param"] == "trace"
    message = refused(real, 422, "invalid_value", "prompt", token=token, prompt="a")
    assert "has ended" in message
    ended = ask(real, token=token, n=2, continuation=True)
    assert [(each["text"], each["finish_reason"]) for each in ended["choices"]] == [("", "end")] * 2


@pytest.mark.parametrize(
    ("path", "fields"),
    [("/generate", {"length": 500}), ("/v1/completions", {"max_tokens": 500, "model": "letters"})],
)
def test_a_stream_that_a_stopping_server_cuts_off_tells_how_to_go_on(
    new_client: Callable[..., FlaskClient], engine: CountingEngine, path: str, fields: dict[str, Any]
) -> None:
    scheduler = Scheduler(max_active=4, max_waiting=4)
    scheduler.start()
    client = new_client(started=scheduler)
    steps = iter(range(1 << 30))

    def step() -> None:
        time.sleep(0.03)
        if next(steps) == 8:
            scheduler.give_up()

    engine.gate = step
    asked = {"prompt": "a", "seed": 0, "n": 2, "stop": ["xyzz"], "stream": True, **fields}
    reply = client.post(path, json=asked)
    *chunks, cut = [json.loads(event.data) for event in sent_events(reply.text)[:-1]]
    scheduler.close()
    shape("CutOff").validate_python(cut)
    assert cut["error"]["code"] == "server_ending" and cut["continuation"] == cut["continuations"][0]
    engine.gate = lambda: None
    for index, token in enumerate(cut["continuations"]):
        pieces = [piece for chunk in chunks for piece in chunk.get("choices", [chunk])]
        text = "".join(piece["text"] for piece in pieces if piece["index"] == index)
        assert text
        rest = ask(new_client(), token=token, length=60)["text"]
        whole = ask(new_client(), prompt="a", length=600, seed=index, stop=["xyzz"])["text"]
        assert whole.startswith(text + rest) and len(rest) >= 60
