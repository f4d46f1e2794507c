from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from service.generation.generator import TextGenerator
from service.generation.requests import GenerationRequest
from tests.replies import sent_events

ASK = {"prompt": "xa", "length": 5, "seed": 0}


def ask(client: FlaskClient, status: int = 200, **fields: Any) -> Any:
    reply = client.post("/generate", json={**ASK, **fields})
    assert reply.status_code == status, reply.text
    return reply.json


def refused(client: FlaskClient, status: int, code: str, param: str | None, **fields: Any) -> str:
    error = ask(client, status, **fields)["error"]
    assert (error["code"], error["param"]) == (code, param)
    return str(error["message"])


def test_the_reply_has_what_the_contract_says(client: FlaskClient) -> None:
    reply = client.post("/generate", json=ASK, headers={"X-Request-Id": "my-id"})
    body = reply.get_json()
    assert body.pop("timing")["total"] > 0
    assert body == {
        "id": "gen-my-id",
        "model": "letters",
        "version": 1,
        "text": "bcdef",
        "choices": [{"index": 0, "text": "bcdef", "seed": 0, "finish_reason": "length"}],
        "usage": {"prompt_tokens": 2, "completion_tokens": 5, "total_tokens": 7},
        "cached": False,
    }
    assert reply.headers["X-Request-Id"] == "my-id"
    assert reply.headers["X-Cache"] == "miss"


def test_the_usage_says_how_much_of_a_long_prompt_was_read_before(client: FlaskClient) -> None:
    prompt = "xa" * 700
    assert "cached_tokens" not in ask(client, prompt=prompt)["usage"]
    known = {"cached_tokens": 1280, "prompt_tokens_details": {"cached_tokens": 1280}}
    counts = {"prompt_tokens": 1400, "completion_tokens": 5, "total_tokens": 1405}
    again = ask(client, prompt=prompt, seed=1)
    assert (again["text"], again["usage"]) == ("cegik", {**counts, **known})
    extended = ask(client, prompt=prompt, seed=1, length=8)["usage"]
    assert (extended["cached_tokens"], "prompt_tokens_details" in extended) == (5, False)
    reply = client.post("/generate", json={**ASK, "prompt": prompt, "seed": 2, "stream": True})
    assert json.loads(sent_events(reply.text)[-2].data)["usage"] == {**counts, **known}
    assert reply.headers["X-Cache"] == "partial"


def test_seed_text_is_another_name_for_prompt(client: FlaskClient) -> None:
    assert client.post("/generate", json={"seed_text": "xa", "length": 3, "seed": 0}).json["text"] == "bcd"  # type: ignore[index]
    assert "two names for the same field" in refused(client, 422, "invalid_value", None, seed_text="other")
    for stream in (False, True):
        error: Any = client.post("/generate", json={"seed_text": "a!", "stream": stream}).json
        assert (error["error"]["code"], error["error"]["param"]) == ("unknown_character", "seed_text")


def test_defaults(client: FlaskClient) -> None:
    body = client.post("/generate", json={}).json
    assert body is not None
    assert body["usage"] == {"prompt_tokens": 0, "completion_tokens": 200, "total_tokens": 200}
    assert isinstance(body["choices"][0]["seed"], int)


def test_null_stands_for_the_default(client: FlaskClient) -> None:
    fields = ("prompt", "length", "temperature", "model", "seed", "top_k", "stop", "logprobs", "unknown", "cache")
    reply = client.post("/generate", json=dict.fromkeys(fields))
    assert reply.status_code == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/generate", {"prompt": "a", "length": 5}),
        ("/v1/completions", {"prompt": "a", "max_tokens": 5, "model": "letters"}),
    ],
)
def test_a_text_without_a_seed_is_given_only_to_the_key_that_it_was_made_for(
    new_client: Any, path: str, body: dict[str, Any]
) -> None:
    client = new_client(api_keys=("one", "two"))

    def cache(key: str, **fields: Any) -> str:
        reply = client.post(path, json=body | fields, headers={"Authorization": f"Bearer {key}"})
        found: str = reply.headers["X-Cache"]
        return found

    assert [cache(key) for key in ("one", "two", "admin-key", "one", "two")] == ["miss", "miss", "miss", "hit", "hit"]
    assert [cache(key, seed=3) for key in ("one", "two")] == ["miss", "hit"], "a seed's text is everyone's to compute"
    open_to_all = new_client()
    replies = [open_to_all.post(path, json=body, headers={"Authorization": f"Bearer {key}"}) for key in ("a", "b")]
    assert [reply.headers["X-Cache"] for reply in replies] == ["miss", "hit"]


def test_the_cache_is_hit_missed_and_bypassed(client: FlaskClient) -> None:
    def cache(headers: dict[str, str] | None = None, **fields: Any) -> tuple[str, bool]:
        reply = client.post("/generate", json={**ASK, **fields}, headers=headers)
        assert reply.json is not None
        return reply.headers["X-Cache"], reply.json["cached"]

    assert cache(cache=False) == ("bypass", False)
    assert cache() == ("miss", False)
    assert cache() == ("hit", True)
    assert cache({"Cache-Control": "no-cache"}) == ("bypass", False)
    assert cache(cache=False) == ("bypass", False)


def test_a_pinned_version(client: FlaskClient) -> None:
    assert ask(client, model="letters@1")["version"] == 1
    assert ask(client, model="letters@current")["version"] == 1


@pytest.mark.parametrize(
    ("fields", "field", "says"),
    [
        ({"length": 0}, "length", "greater than or equal to 1, not 0"),
        ({"length": 1001}, "length", "at most 1000 tokens (MAX_LENGTH), not 1001"),
        ({"length": 10**30}, "length", "not 1000000000000000000000000000000"),
        ({"length": "5"}, "length", "valid integer, not '5'"),
        ({"length": 5.5}, "length", "not 5.5"),
        ({"length": True}, "length", "not true"),
        ({"temperature": -0.1}, "temperature", "greater than or equal to 0, not -0.1"),
        ({"temperature": 10.1}, "temperature", "less than or equal to 10, not 10.1"),
        ({"temperature": "hot"}, "temperature", "not 'hot'"),
        ({"prompt": 5}, "prompt", "valid string, not 5"),
        ({"prompt": "x" * 2001}, "prompt", "at most 2000 characters (MAX_PROMPT_LENGTH), not 2001"),
        ({"seed": "ROMEO:"}, "seed", "the text to continue goes into `prompt`"),
        ({"seed": 2**63}, "seed", "not 9223372036854775808"),
        ({"seed": 1.5}, "seed", "not 1.5"),
        ({"unknown": "maybe"}, "unknown", "'error' or 'skip', not 'maybe'"),
        ({"cache": "yes"}, "cache", "valid boolean, not 'yes'"),
        ({"n": 0}, "n", "not 0"),
        ({"n": 17}, "n", "less than or equal to 16, not 17"),
        ({"logprobs": 21}, "logprobs", "less than or equal to 20, not 21"),
        ({"top_k": -2}, "top_k", "not -2"),
        ({"top_p": 0}, "top_p", "greater than 0, not 0"),
        ({"top_p": 1.1}, "top_p", "not 1.1"),
        ({"min_p": -1}, "min_p", "not -1"),
        ({"repetition_penalty": 5e-324}, "repetition_penalty", "greater than or equal to 0.01, not 5e-324"),
        ({"stop": ["a"] * 9}, "stop", "at most 8"),
        ({"stop": [""]}, "stop", "at least 1 character"),
        ({"echo": 1}, "echo", "not 1"),
        ({"model": 3}, "model", "valid string, not 3"),
    ],
)
def test_a_value_out_of_bounds_names_field_bound_and_value(
    shared_client: FlaskClient, fields: dict[str, Any], field: str, says: str
) -> None:
    message = refused(shared_client, 422, "invalid_value", field, **fields)
    assert field in message
    assert says in message


def test_an_unknown_field_is_refused_by_name(client: FlaskClient) -> None:
    assert "'lenght' is not a field" in refused(client, 422, "unknown_field", "lenght", lenght=5)


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_none(shared_client: FlaskClient, literal: str) -> None:
    reply = shared_client.post("/generate", data=f'{{"temperature": {literal}}}', content_type="application/json")
    assert reply.status_code in (400, 422)
    assert "error" in (reply.json or {})


@pytest.mark.parametrize("body", ["", "{", "prompt=x", '{"prompt": "\\ud800"}', b'{"prompt": "\xff"}', "[" * 100_000])
def test_what_is_not_json(shared_client: FlaskClient, body: str | bytes) -> None:
    reply = shared_client.post("/generate", data=body, content_type="application/json")
    assert reply.status_code == 400, reply.text
    assert reply.json["error"]["code"] == "invalid_json"  # type: ignore[index]


@pytest.mark.parametrize("body", ["[]", "5", '"text"', "null"])
def test_json_that_is_no_object(shared_client: FlaskClient, body: str) -> None:
    reply = shared_client.post("/generate", data=body, content_type="application/json")
    assert reply.status_code == 422
    assert "must be a JSON object" in reply.text


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", None])
def test_another_content_type(shared_client: FlaskClient, content_type: str | None) -> None:
    reply = shared_client.post("/generate", data=json.dumps(ASK), content_type=content_type)
    assert reply.status_code == 415
    assert "application/json" in reply.text


def test_a_body_that_is_too_large(client: FlaskClient) -> None:
    reply = client.post("/generate", json={"prompt": "x" * (5 << 20)})
    assert reply.status_code == 413
    assert reply.json["error"]["code"] == "too_large"  # type: ignore[index]


def test_a_prompt_of_a_megabyte_is_refused_by_its_length(client: FlaskClient) -> None:
    assert "not 1000000" in refused(client, 422, "invalid_value", "prompt", prompt="a" * 1_000_000)


def test_unknown_characters_are_listed_with_their_positions(client: FlaskClient) -> None:
    error = ask(client, 422, prompt="aÉb€")["error"]
    assert (error["code"], error["param"]) == ("unknown_character", "prompt")
    assert "'É' at 1, '€' at 3" in error["message"]
    assert error["unknown"] == [{"position": 1, "character": "É"}, {"position": 3, "character": "€"}]


def test_unknown_characters_can_be_skipped(client: FlaskClient) -> None:
    body = ask(client, prompt="xÉa", unknown="skip")
    assert (body["text"], body["usage"]["prompt_tokens"]) == ("bcdef", 2)
    assert body["skipped"] == [{"position": 1, "character": "É"}]


@pytest.mark.parametrize(
    ("model", "status", "code"),
    [
        ("nobody", 404, "model_not_found"),
        ("letters@9", 404, "version_not_found"),
        ("letters@canary", 404, "alias_not_found"),
        ("../x", 422, "invalid_name"),
        ("a/b", 422, "invalid_name"),
        ("", 422, "invalid_name"),
        ("x" * 300, 422, "invalid_name"),
        ("letters@", 422, "invalid_name"),
    ],
)
def test_a_model_that_is_not_there(shared_client: FlaskClient, model: str, status: int, code: str) -> None:
    refused(shared_client, status, code, "model", model=model)


def test_choices_and_logprobs(client: FlaskClient) -> None:
    body = ask(client, n=2, logprobs=1)
    assert [choice["text"] for choice in body["choices"]] == ["bcdef", "cegik"]
    assert body["usage"]["completion_tokens"] == 10
    assert body["choices"][0]["logprobs"][0] == {"token": "b", "logprob": 0.0, "top": [{"token": "a", "logprob": 0.0}]}


def test_keys_when_they_are_needed(
    new_client: Callable[..., FlaskClient], admin: dict[str, str], app_key: dict[str, str]
) -> None:
    client = new_client(api_keys=("app-key",))
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic app-key"}):
        reply = client.post("/generate", json=ASK, headers=headers)
        assert reply.status_code == 401
        assert reply.headers["WWW-Authenticate"] == "Bearer"
        assert reply.json["error"]["type"] == "authentication_error"  # type: ignore[index]
    for headers in (app_key, admin):
        assert client.post("/generate", json=ASK, headers=headers).status_code == 200


def test_full_is_429_with_retry_after(client: FlaskClient, generator: TextGenerator, engine: Any) -> None:
    engine.gate = lambda: time.sleep(0.01)
    generator.stream(GenerationRequest("letters", "a", length=60, n=8))
    reply = client.post("/generate", json={"n": 8})
    assert reply.status_code == 429
    assert int(reply.headers["Retry-After"]) >= 1
    assert reply.json["error"]["type"] == "rate_limit_error"  # type: ignore[index]


def test_an_error_on_the_server_tells_nothing_of_it(client: FlaskClient, engine: Any) -> None:
    def fail() -> None:
        raise RuntimeError("/secret/path")

    ask(client)
    engine.gate = fail
    error = ask(client, 500, seed=5)["error"]
    assert (error["type"], error["code"]) == ("server_error", "internal_error")
    assert "secret" not in error["message"]


def events(reply: Any) -> list[Any]:
    """The values of a stream's events, `[DONE]` among them."""
    assert reply.mimetype == "text/event-stream"
    return [data if data == "[DONE]" else json.loads(data) for _, data in sent_events(reply.text)]


def test_a_part_of_a_text_comes_from_the_cache(client: FlaskClient) -> None:
    def asked(length: int, **fields: Any) -> tuple[str, bool, int | None]:
        reply = client.post("/generate", json={**ASK, "length": length, "n": 2, **fields})
        last = events(reply)[-2] if fields.get("stream") else reply.json
        assert last is not None
        return reply.headers["X-Cache"], last["cached"], last["usage"].get("cached_tokens")

    assert asked(4) == ("miss", False, None)
    assert asked(3) == ("hit", True, 6)
    assert asked(7) == ("partial", False, 8)
    assert asked(9, stream=True) == ("partial", False, 14)
    assert asked(9, stream=True) == ("hit", True, 18)
    assert asked(12, cache=False) == ("bypass", False, None)
    assert asked(12, return_token_ids=True, continuation=True) == ("partial", False, 18)
    assert asked(12, continuation=True) == ("hit", True, 24)


def test_a_stream_gives_the_same_text_in_pieces(client: FlaskClient) -> None:
    asked = {**ASK, "length": 100, "n": 2, "logprobs": 1, "cache": False}
    whole = client.post("/generate", json=asked).json
    assert whole is not None
    reply = client.post("/generate", json={**asked, "stream": True})
    *chunks, last, done = events(reply)
    assert done == "[DONE]"
    for choice in whole["choices"]:
        mine = [chunk for chunk in chunks if chunk["index"] == choice["index"]]
        assert "".join(chunk["text"] for chunk in mine) == choice["text"]
        assert [token for chunk in mine for token in chunk["logprobs"]] == choice["logprobs"]
        assert [chunk["finish_reason"] for chunk in mine if chunk["finish_reason"]] == ["length"]
        assert {chunk["seed"] for chunk in mine} == {choice["seed"]}
    assert (last["usage"], last["cached"]) == (whole["usage"], False)
    assert reply.headers["X-Accel-Buffering"] == "no"


def test_ids_and_the_usage_so_far_in_a_stream_when_they_are_asked_for(client: FlaskClient) -> None:
    asked = {**ASK, "length": 40, "return_token_ids": True, "cache": False}
    (choice,) = client.post("/generate", json=asked).json["choices"]  # type: ignore[index]
    assert (choice["prompt_token_ids"], choice["token_ids"][:3], len(choice["token_ids"])) == ([23, 0], [1, 2, 3], 40)
    options = {"continuous_usage_stats": True}
    *chunks, _, _ = events(client.post("/generate", json={**asked, "stream": True, "stream_options": options}))
    assert chunks[0]["prompt_token_ids"] == [23, 0]
    assert [id_ for chunk in chunks for id_ in chunk["token_ids"]] == choice["token_ids"]
    assert chunks[-1]["usage"] == {"prompt_tokens": 2, "completion_tokens": 40, "total_tokens": 42}


def test_a_streamed_result_is_kept_and_a_kept_one_is_streamed(client: FlaskClient) -> None:
    first = client.post("/generate", json={**ASK, "stream": True})
    assert first.headers["X-Cache"] == "miss"
    events(first)
    again = client.post("/generate", json={**ASK, "stream": True})
    assert again.headers["X-Cache"] == "hit"
    chunk, last, _ = events(again)
    assert (chunk["text"], chunk["finish_reason"], last["cached"]) == ("bcdef", "length", True)


def test_nothing_of_a_stop_text_is_streamed(client: FlaskClient) -> None:
    *chunks, last, _ = events(client.post("/generate", json={**ASK, "length": 20, "stop": "fgh", "stream": True}))
    assert "".join(chunk["text"] for chunk in chunks) == "bcde"
    assert chunks[-1]["finish_reason"] == "stop"
    assert last["usage"]["completion_tokens"] == 7


def test_a_stream_that_is_refused_has_its_status(client: FlaskClient) -> None:
    assert client.post("/generate", json={"model": "nobody", "stream": True}).status_code == 404


def test_an_error_in_mid_stream_is_an_event(client: FlaskClient, engine: Any) -> None:
    ask(client)
    calls = iter(range(3))

    def fail_at_last() -> None:
        if next(calls, None) is None:
            raise RuntimeError("/secret/path")

    engine.gate = fail_at_last
    *chunks, error, done = events(client.post("/generate", json={**ASK, "length": 100, "stream": True, "cache": False}))
    assert "".join(chunk["text"] for chunk in chunks).startswith("bcd")
    assert (error["error"]["code"], done) == ("internal_error", "[DONE]")
