from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.replies import sent_events

ASK = {"model": "letters", "prompt": "xa", "max_tokens": 5, "seed": 0}


def complete(client: FlaskClient, status: int = 200, **fields: Any) -> Any:
    reply = client.post("/v1/completions", json={**ASK, **fields})
    assert reply.status_code == status, reply.text
    return reply.json


def chunks(client: FlaskClient, **fields: Any) -> list[Any]:
    reply = client.post("/v1/completions", json={**ASK, "stream": True, **fields})
    *events, done = sent_events(reply.text)
    assert done.data == "[DONE]"
    return [json.loads(event.data) for event in events]


def test_a_completion_has_openais_shape(client: FlaskClient) -> None:
    reply = client.post("/v1/completions", json=ASK, headers={"X-Request-Id": "mine"})
    body: Any = reply.json
    assert body.pop("created") > 1e9
    assert body == {
        "id": "cmpl-mine",
        "object": "text_completion",
        "model": "letters",
        "system_fingerprint": "letters@1",
        "choices": [{"index": 0, "text": "bcdef", "seed": 0, "finish_reason": "length", "logprobs": None}],
        "usage": {"prompt_tokens": 2, "completion_tokens": 5, "total_tokens": 7},
    }
    assert reply.headers["X-Cache"] == "miss"


def test_the_usage_says_how_much_of_long_prompts_was_read_before(client: FlaskClient) -> None:
    complete(client, prompt="xb" * 700)
    for seed in (1, 2):
        usage = complete(client, prompt=["xb" * 600, "xb" * 900, "a"], seed=seed)["usage"]
        assert usage["prompt_tokens_details"] == {"cached_tokens": 1024 + (1280, 1792)[seed - 1]}
    last = chunks(client, prompt="xb" * 700, seed=3, stream_options={"include_usage": True})[-1]
    assert last["usage"]["prompt_tokens_details"] == {"cached_tokens": 1280}


def test_sixteen_tokens_unless_more_are_asked_for(client: FlaskClient) -> None:
    assert complete(client, max_tokens=None)["usage"]["completion_tokens"] == 16


def test_it_is_the_same_as_generate_and_shares_its_cache(client: FlaskClient) -> None:
    generated: Any = client.post("/generate", json={"prompt": "xa", "length": 5, "seed": 3}).json
    reply = client.post("/v1/completions", json={**ASK, "seed": 3})
    assert reply.headers["X-Cache"] == "hit"
    assert reply.json["choices"][0]["text"] == generated["text"]  # type: ignore[index]


def test_parts_of_texts_come_from_the_cache(client: FlaskClient) -> None:
    def asked(prompt: str | list[str], max_tokens: int) -> tuple[str, int]:
        body = {**ASK, "prompt": prompt, "max_tokens": max_tokens}
        reply = client.post("/v1/completions", json=body)
        last = chunks(client, **body, stream_options={"include_usage": True})[-1]
        assert last["usage"]["cached_tokens"] == last["usage"]["completion_tokens"]
        assert reply.json is not None
        return reply.headers["X-Cache"], reply.json["usage"].get("cached_tokens", 0)

    assert asked("xa", 5) == ("miss", 0)
    assert asked(["xa", "b"], 7) == ("partial", 5)
    assert asked(["xa", "b", "c"], 6) == ("partial", 12)
    assert asked(["b", "xa"], 7) == ("hit", 14)


def test_ids_as_a_prompt(client: FlaskClient) -> None:
    assert complete(client, prompt=[23, 0])["choices"][0]["text"] == "bcdef"
    assert complete(client, prompt=[[23, 0], [1]])["choices"][1]["text"] == "cdefg"
    echoed = complete(client, prompt=[23, 0], echo=True, logprobs=0, max_tokens=1)
    assert echoed["choices"][0]["logprobs"]["tokens"] == ["x", "a", "b"]
    assert echoed["usage"]["prompt_tokens"] == 2


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("prompt", "param", "message"),
    [
        ([26], "prompt", "prompt: ids of letters are from 0 to 25, not 26"),
        ([[0], [1, 26]], "prompt[1]", "prompt[1]: ids of letters are from 0 to 25, not 26"),
        (["a", [26]], "prompt[1]", "prompt[1]: ids of letters are from 0 to 25, not 26"),
        (["a!"], "prompt[0]", "prompt[0]: 1 character outside the vocabulary: '!' at 1"),
        (["a", "b" * 2001], "prompt[1]", "prompt[1] must be at most 2000 characters (MAX_PROMPT_LENGTH), not 2001"),
        (["a", []], "prompt[1]", "prompt[1]: list should have at least 1 item"),
        (["a", [0, None]], "prompt[1]", "prompt[1][1]: input should be a valid integer"),
        (["a", None], "prompt[1]", "prompt[1]: input should be a string or a list of token ids"),
        ([0, None], "prompt", "prompt[1]: input should be a valid integer"),
        ("a!", "prompt", "prompt: 1 character outside the vocabulary: '!' at 1"),
    ],
)
def test_the_prompt_at_fault_is_named_before_anything_is_computed(
    client: FlaskClient, engine: Any, prompt: Any, param: str, message: str, stream: bool
) -> None:
    complete(client)
    before = engine.added
    error = complete(client, 422, prompt=prompt, stream=stream)["error"]
    assert error["param"] == param
    assert error["message"].startswith(message)
    assert engine.added == before


def test_the_same_prompt_several_times_is_drawn_apart(client: FlaskClient) -> None:
    seeds = [each["seed"] for each in complete(client, prompt=["a"] * 3, seed=None)["choices"]]
    assert len(set(seeds)) == 3
    assert [each["seed"] for each in complete(client, prompt=["a"] * 3, seed=None)["choices"]] == seeds
    assert len({each["choices"][0]["seed"] for each in chunks(client, prompt=["b"] * 3, seed=None)}) == 3
    assert {each["seed"] for each in complete(client, prompt=["a"] * 3)["choices"]} == {0}


@pytest.mark.parametrize("route", ["/generate", "/v1/completions"])
def test_what_never_fits_is_a_value_out_of_bounds(new_client: Callable[..., FlaskClient], route: str) -> None:
    client = new_client(max_reply_values=100)
    error: Any = client.post(route, json={"prompt": "a", "n": 9}).json
    assert (error["error"]["param"], "at most 8" in error["error"]["message"]) == ("n", True)
    reply: Any = client.post(route, json={"prompt": "a" * 40, "n": 2, "logprobs": 2, "echo": True})
    assert (reply.status_code, reply.json["error"]["code"]) == (422, "reply_too_large")
    assert "100 (MAX_REPLY_VALUES)" in reply.json["error"]["message"]


def test_several_prompts_make_as_many_times_n_choices(client: FlaskClient) -> None:
    body = complete(client, prompt=["a", "xb"], n=2, max_tokens=3)
    assert [(each["index"], each["text"]) for each in body["choices"]] == [
        (0, "bcd"),
        (1, "ceg"),
        (2, "cde"),
        (3, "dfh"),
    ]
    assert body["usage"] == {"prompt_tokens": 3, "completion_tokens": 12, "total_tokens": 15}
    streamed = chunks(client, prompt=["a", "xb"], n=2, max_tokens=3, cache=False)
    assert {each["choices"][0]["index"] for each in streamed} == {0, 1, 2, 3}


def test_more_texts_than_places_are_the_same_whole_streamed_and_alone(client: FlaskClient, engine: Any) -> None:
    asked: dict[str, Any] = {"prompt": [*"abcdefghij", [23, 0]], "n": 3, "max_tokens": 40, "cache": False}
    texts = [each["text"] for each in complete(client, **asked)["choices"]]
    streamed = [""] * 33
    for each in chunks(client, **asked):
        (choice,) = each["choices"]
        streamed[choice["index"]] += choice["text"]
    alone = [complete(client, **{**asked, "prompt": prompt})["choices"] for prompt in asked["prompt"]]
    assert texts == streamed == [choice["text"] for choices in alone for choice in choices]
    assert engine.largest == 4


def test_echo_with_nothing_to_generate(client: FlaskClient) -> None:
    choice = complete(client, echo=True, max_tokens=0, logprobs=0)["choices"][0]
    assert choice["text"] == "xa"
    assert choice["logprobs"]["tokens"] == ["x", "a"]
    assert choice["logprobs"]["token_logprobs"] == [None, pytest.approx(-0.6931472)]
    assert "max_tokens must be at least 1 without echo" in complete(client, 422, max_tokens=0)["error"]["message"]


def test_logprobs_as_lists(client: FlaskClient) -> None:
    logprobs = complete(client, logprobs=1, max_tokens=3)["choices"][0]["logprobs"]
    assert logprobs == {
        "tokens": ["b", "c", "d"],
        "token_logprobs": [0.0, 0.0, 0.0],
        "top_logprobs": [{"a": 0.0, "b": 0.0}, {"a": 0.0, "c": 0.0}, {"a": 0.0, "d": 0.0}],
        "text_offset": [0, 1, 2],
    }


def test_a_stream_adds_up_to_the_same(client: FlaskClient) -> None:
    whole = complete(client, logprobs=0, echo=True, max_tokens=50)["choices"][0]
    streamed = chunks(client, logprobs=0, echo=True, max_tokens=50, cache=False)
    pieces = [each["choices"][0] for each in streamed]
    assert "".join(piece["text"] for piece in pieces) == whole["text"]
    for name in ("tokens", "token_logprobs", "text_offset"):
        assert [each for piece in pieces for each in piece["logprobs"][name]] == whole["logprobs"][name]
    assert [piece["finish_reason"] for piece in pieces][-1] == "length"
    assert {each["object"] for each in streamed} == {"text_completion"}
    assert not any("usage" in each for each in streamed)


def test_the_usage_of_a_stream_when_it_is_asked_for(client: FlaskClient) -> None:
    *pieces, last = chunks(client, stream_options={"include_usage": True})
    assert all(each["usage"] is None for each in pieces)
    assert (last["choices"], last["usage"]["total_tokens"]) == ([], 7)
    assert complete(client, stream_options={"include_usage": True})["usage"]["total_tokens"] == 7


def test_a_stop_text_is_not_part_of_it(client: FlaskClient) -> None:
    choice = complete(client, stop=["de"])["choices"][0]
    assert (choice["text"], choice["finish_reason"]) == ("bc", "stop")


def test_what_asks_for_nothing_is_taken(client: FlaskClient) -> None:
    neutral: dict[str, Any] = {
        "user": "someone",
        "best_of": 1,
        "presence_penalty": 0,
        "frequency_penalty": 0.0,
        "suffix": None,
        "logit_bias": {},
        "stop": [],
        "stream": False,
        "top_k": -1,
        "min_p": 0,
        "repetition_penalty": 1,
    }
    assert complete(client, **neutral)["choices"][0]["text"] == "bcdef"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("best_of", 2),
        ("suffix", "end"),
        ("max_tokens", 1001),
        ("max_tokens", -1),
        ("max_tokens", "5"),
        ("prompt", 5),
        ("prompt", []),
        ("prompt", ["a", 5]),
        ("prompt", [["a"]]),
        ("prompt", "a" * 2001),
        ("prompt", [0] * 2001),
        ("prompt", ["a"] * 65),
        ("prompt", [-1]),
        ("prompt", [10**30]),
        ("n", 17),
        ("stream_options", {"chunks": 5}),
        ("user", 5),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(shared_client: FlaskClient, field: str, value: Any) -> None:
    error = complete(shared_client, 422, **{field: value})["error"]
    assert error["type"] == "invalid_request_error"
    assert field in error["message"] or error["param"] == field


def test_fields_of_another_api_are_refused_by_name(client: FlaskClient) -> None:
    error = complete(client, 422, messages=[])["error"]
    assert (error["code"], error["param"]) == ("unknown_field", "messages")


def test_a_model_that_is_not_there(client: FlaskClient) -> None:
    assert complete(client, 404, model="gpt")["error"]["code"] == "model_not_found"
    assert complete(client, 404, model="gpt", stream=True)["error"]["code"] == "model_not_found"


def test_the_ids_that_were_read_and_generated_when_they_are_asked_for(client: FlaskClient) -> None:
    body = complete(client, prompt=["xa", [1]], n=2, max_tokens=3, return_token_ids=True)
    assert [(each["prompt_token_ids"], each["token_ids"]) for each in body["choices"]] == [
        ([23, 0], [1, 2, 3]),
        ([23, 0], [2, 4, 6]),
        ([1], [2, 3, 4]),
        ([1], [3, 5, 7]),
    ]
    assert complete(client, stop="cd", return_token_ids=True)["choices"][0]["token_ids"] == [1, 2, 3]
    assert "token_ids" not in complete(client)["choices"][0]


@pytest.mark.parametrize("cache", [True, False])
def test_a_stream_tells_a_choices_prompt_first_and_each_id_once(client: FlaskClient, cache: bool) -> None:
    asked: dict[str, Any] = {
        "prompt": "x" * 1500,
        "n": 2,
        "max_tokens": 300,
        "return_token_ids": True,
        "cache": cache,
        "stop": "zab",
    }
    whole = complete(client, **asked)["choices"]
    told = [each["choices"][0] for each in chunks(client, **asked)]
    for choice in whole:
        mine = [each for each in told if each["index"] == choice["index"]]
        assert "prompt_token_ids" in mine[0]
        for name in ("prompt_token_ids", "token_ids"):
            assert [id_ for each in mine for id_ in each.get(name, [])] == choice[name]


def test_usage_in_every_chunk_when_it_is_asked_for(client: FlaskClient) -> None:
    options = {"continuous_usage_stats": True, "include_usage": True}
    *pieces, last = chunks(client, stream_options=options, max_tokens=60, n=2, cache=False)
    for index in (0, 1):
        mine = [each["usage"] for each in pieces if each["choices"][0]["index"] == index]
        counts = [each["completion_tokens"] for each in mine]
        assert counts == sorted(counts)
        assert mine[-1] == {"prompt_tokens": 2, "completion_tokens": 60, "total_tokens": 62}
    assert last["usage"]["completion_tokens"] == 120


@pytest.mark.parametrize("options", [{"continuous_usage_stats": True}, {"include_usage": False}, {}])
def test_no_usage_in_chunks_unless_it_is_included(client: FlaskClient, options: dict[str, bool]) -> None:
    assert not any("usage" in each for each in chunks(client, stream_options=options))


@pytest.mark.parametrize("stream", [True, False])
def test_the_stop_text_is_part_of_it_when_that_is_asked_for(client: FlaskClient, stream: bool) -> None:
    asked: dict[str, Any] = {"stop": ["de"], "include_stop_str_in_output": True, "logprobs": 0}
    parts = [c["choices"][0] for c in chunks(client, **asked)] if stream else complete(client, **asked)["choices"]
    assert "".join(each["text"] for each in parts) == "bcde"
    assert [token for each in parts for token in each["logprobs"]["tokens"]] == ["b", "c", "d", "e"]
    assert parts[-1]["finish_reason"] == "stop"


@pytest.mark.parametrize("stream", [True, False])
def test_a_stop_text_counts_after_so_many_tokens(client: FlaskClient, stream: bool) -> None:
    asked: dict[str, Any] = {"stop": "c", "min_tokens": 2, "max_tokens": 60}
    parts = [c["choices"][0] for c in chunks(client, **asked)] if stream else complete(client, **asked)["choices"]
    assert "".join(each["text"] for each in parts) == "bcdefghijklmnopqrstuvwxyzab"
    assert complete(client, stop="cd", min_tokens=2)["choices"][0]["text"] == "b"
    assert complete(client, stop="cd", min_tokens=3)["choices"][0]["text"] == "bcdef"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"logit_bias": {"26": 1}}, "logit_bias: ids of letters are from 0 to 25, not 26"),
        ({"logit_bias": {"4294967296": 1}}, "logit_bias: ids of letters are from 0 to 25, not 4294967296"),
        ({"allowed_token_ids": [0, 26]}, "allowed_token_ids: ids of letters are from 0 to 25, not 26"),
    ],
)
@pytest.mark.parametrize("several", [True, False])
def test_ids_that_the_model_does_not_have(
    client: FlaskClient, engine: Any, fields: dict[str, Any], message: str, several: bool
) -> None:
    complete(client)
    added = engine.added
    error = complete(client, 422, prompt=["a", "b"] if several else "a", **fields)["error"]
    assert (error["code"], error["param"], error["message"]) == ("unknown_id", next(iter(fields)), message)
    assert engine.added == added


def test_models(client: FlaskClient) -> None:
    listed: Any = client.get("/v1/models").json
    assert listed["object"] == "list"
    (model,) = listed["data"]
    assert (model["id"], model["object"], model["owned_by"]) == ("letters", "model", "charrnn")
    assert client.get("/v1/models/letters").json == model
    assert client.get("/v1/models/letters@1").json == {**model, "id": "letters@1"}
    assert client.get("/v1/models/nobody").status_code == 404
    assert client.get("/v1/models/letters@7").status_code == 404
    assert client.get("/v1/models/-").status_code == 422
