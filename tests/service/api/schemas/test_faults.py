"""The error for an invalid value of any field of any body: one sentence that names the field, as does `param`."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from pydantic import ValidationError

from service.api.http.errors import ApiError
from service.api.http.validation import invalid
from service.api.openapi.operations import operation_of
from service.api.schemas.base import Body
from service.settings import Settings

WRONG: tuple[Any, ...] = (
    True, 0, -1, 1.5, 5, 10**30, "", "text", "x" * 3000, [], [None], [1, None], [-1, -1], [[]], ["a", 5], [["a"]],
    ["", "", ""], [0] * 3000, ["a"] * 200, {}, {"x": 1}, {"5": 1000}, {"5": None, "x": None}, {"type": "json_object"},
)  # fmt: skip
"""Each is right for some fields; for all others there is one sentence."""

NEEDED: dict[str, Any] = {
    **{"text": "a", "ids": [1], "version": 1, "corpus": "c", "model": "m", "count": 1},
    "models": ["m", "n"],
}


@pytest.fixture
def client(shared_client: FlaskClient) -> FlaskClient:
    return shared_client


def bodies(client: FlaskClient) -> list[type[Body]]:
    operations = (operation_of(view) for view in client.application.view_functions.values())
    found = [each.about.body for each in operations if each]
    return [body for body in found if body and issubclass(body, Body)]


def fault_of(body: type[Body], fields: dict[str, Any], settings: Settings) -> ApiError | None:
    try:
        body.model_validate_json(json.dumps(fields), context={"settings": settings})
    except ValidationError as error:
        return invalid(error)
    return None


@pytest.mark.parametrize("value", WRONG, ids=lambda value: repr(value)[:20])
def test_one_sentence_names_the_field(client: FlaskClient, settings: Settings, value: Any) -> None:
    refused = 0
    for body in bodies(client):
        for field in body.model_fields:
            needed = {name: NEEDED[name] for name, info in body.model_fields.items() if info.is_required()}
            needed |= {"texts": ["a"]} if "texts" in body.model_fields and field != "text" else {}  # one of two
            error = fault_of(body, {**needed, field: value}, settings)
            if error is None or (body.__name__ == "CellSearchBody" and error.param is None):  # one of two is needed
                continue
            refused += 1
            assert error.param is not None, (body, field, error.message)
            assert error.param.partition("[")[0] == field, error.param  # `prompt[1]`: one of several
            named = error.message.lstrip("'\"")
            assert named.startswith((f"{field} ", f"{field}:", f"{field}[", f"{field}.")), error.message
            assert "; " not in error.message
            for jargon in ("after validation", "<", "union", "not None"):
                assert jargon not in error.message
    assert refused


@pytest.mark.parametrize("value", [5, [], {"x": 1}])
def test_a_field_that_there_is_not(client: FlaskClient, settings: Settings, value: Any) -> None:
    for body in bodies(client):
        needed = {name: NEEDED[name] for name, info in body.model_fields.items() if info.is_required()}
        error = fault_of(body, {**needed, "no-such field": value}, settings)
        assert error is not None
        assert (error.code, error.param) == ("unknown_field", "no-such field")
        assert error.message == "'no-such field' is not a field of this request"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"prompt": [1, None]}, "prompt[1]: input should be a valid integer, not null"),
        ({"prompt": []}, "prompt: list should have at least 1 item, not 0"),
        ({"prompt": 5}, "prompt: input should be a string, a list of token ids, or a list of these, not 5"),
        ({"prompt": ["a", 5]}, "prompt[1]: input should be a string or a list of token ids, not 5"),
        ({"prompt": [[1], [2, "b"]]}, "prompt[1][1]: input should be a valid integer, not 'b'"),
        ({"prompt": ["a", "b" * 2001]}, "prompt[1] must be at most 2000 characters (MAX_PROMPT_LENGTH), not 2001"),
        ({"prompt": ["a"] * 65}, "prompt: list should have at most 64 items, not 65"),
        ({"stop": "x" * 300}, "stop: string should have at most 256 characters, not 300"),
        ({"stop": ["a", ""]}, "stop[1]: string should have at least 1 character, not ''"),
        ({"stop": 5}, "stop: input should be a string or a list of strings, not 5"),
        ({"logit_bias": {"5": 101}}, "logit_bias['5']: input should be less than or equal to 100, not 101"),
        ({"logit_bias": {"a": 1}}, "logit_bias: a key must be a token id, as returned by POST /tokenize, not 'a'"),
        ({"logit_bias": {"-1": 1}}, "logit_bias: a key must be a token id, as returned by POST /tokenize, not '-1'"),
        ({"logit_bias": [1]}, "logit_bias: input should be an object, not [1]"),
        (
            {"logit_bias": {str(i): 1 for i in range(1025)}},
            "logit_bias: dictionary should have at most 1024 items, not 1025",
        ),
        ({"allowed_token_ids": []}, "allowed_token_ids: list should have at least 1 item, not 0"),
        ({"allowed_token_ids": [3, -1]}, "allowed_token_ids[1]: input should be greater than or equal to 0, not -1"),
        ({"presence_penalty": 2.5}, "presence_penalty: input should be less than or equal to 2, not 2.5"),
        ({"frequency_penalty": -3}, "frequency_penalty: input should be greater than or equal to -2, not -3"),
        ({"logprobs": True}, "logprobs: input should be a valid integer, not true"),
        ({"priority": 5}, "priority must be 0, the only supported value, not 5"),
        ({"detokenize": False}, "detokenize must be true, the only supported value, not false"),
        ({"length_penalty": True}, "length_penalty must be 1, the only supported value, not true"),
        ({"ignore_eos": 1}, "ignore_eos must be a boolean, which has no effect here, not 1"),
        (
            {"response_format": {"type": "json_object"}},
            "response_format: the type json_object without a schema is not supported",
        ),
        ({"stream_options": {"chunks": 5}}, "'stream_options.chunks' is not a field of this request"),
    ],
)
def test_messages(client: FlaskClient, fields: dict[str, Any], message: str) -> None:
    reply = client.post("/v1/completions", json=fields)
    assert (reply.status_code, reply.json["error"]["message"]) == (422, message)  # type: ignore[index]
    assert reply.json["error"]["param"].partition("[")[0] == next(iter(fields))  # type: ignore[index]


def test_several_fields_have_a_sentence_each(client: FlaskClient) -> None:
    reply = client.post("/v1/completions", json={"prompt": [1, None, None], "n": 0, "echo": 5})
    message = reply.json["error"]["message"]  # type: ignore[index]
    assert [each.split(":")[0] for each in message.split("; ")] == ["n", "echo", "prompt[1]"]
