"""The document says what the routes do: its examples are run, and its bounds are the settings'."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic import TypeAdapter

from service.api import completions, generation, replies
from service.api.openapi import undescribed


@pytest.fixture
def document(client: FlaskClient) -> Any:
    return client.get("/openapi.json").json


def test_every_route_is_described(client: FlaskClient) -> None:
    app: Flask = client.application
    assert undescribed(app) == []


def test_bounds_that_are_settings_are_in_it(document: Any, new_client: Callable[..., FlaskClient]) -> None:
    def length(document: Any) -> Any:
        return document["components"]["schemas"]["GenerateBody"]["properties"]["length"]

    assert length(document)["anyOf"] == [{"minimum": 1, "maximum": 1000, "type": "integer"}, {"type": "null"}]
    other: Any = new_client(max_length=7).get("/openapi.json").json
    assert length(other)["anyOf"][0]["maximum"] == 7
    assert "x-at-most" not in str(document)


def test_every_reference_leads_somewhere(document: Any) -> None:
    names = set(re.findall(r"#/components/schemas/(\w+)", str(document)))
    assert names <= set(document["components"]["schemas"])


def test_keys_are_asked_for_where_they_are_needed(document: Any, new_client: Callable[..., FlaskClient]) -> None:
    assert "security" not in document["paths"]["/generate"]["post"]
    assert document["paths"]["/jobs"]["post"]["security"] == [{"key": []}]
    closed: Any = new_client(api_keys=("app-key",)).get("/openapi.json").json
    assert closed["paths"]["/generate"]["post"]["security"] == [{"key": []}]
    assert "security" not in closed["paths"]["/healthz"]["get"]


def test_the_page_needs_nothing_from_elsewhere(client: FlaskClient) -> None:
    reply = client.get("/docs")
    assert reply.mimetype == "text/html"
    assert "<script" not in reply.text
    assert not re.findall(r"(?:src|href)=\"(?!openapi\.json\")", reply.text)
    assert reply.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'sha256-")
    for path in ("/generate", "/v1/completions", "/models/{name}/aliases/{alias}"):
        assert path in reply.text


def examples(source: dict[str, Any]) -> list[Any]:
    return [pytest.param(value, id=name) for name, value in source.items()]


def lowercase(body: dict[str, Any]) -> dict[str, Any]:
    """The example for the letters that the tests' model knows."""
    texts = {name: re.sub("[^a-z]", "", value.lower()) for name, value in body.items() if name in {"prompt", "text"}}
    return body | texts


@pytest.mark.parametrize("body", examples(generation.EXAMPLES))
def test_the_examples_of_generate(client: FlaskClient, body: dict[str, Any]) -> None:
    check(client, "/generate", body, replies.GenerateReply)


@pytest.mark.parametrize("body", examples(completions.EXAMPLES))
def test_the_examples_of_completions(client: FlaskClient, body: dict[str, Any]) -> None:
    check(client, "/v1/completions", body, replies.CompletionReply)


def check(client: FlaskClient, path: str, body: dict[str, Any], schema: type[Any]) -> None:
    reply = client.post(path, json=lowercase(body))
    assert reply.status_code == 200, reply.text
    if body.get("stream"):
        assert reply.mimetype == "text/event-stream"
        assert reply.text.endswith("data: [DONE]\n\n")
    else:
        TypeAdapter(schema).validate_json(reply.data, strict=True)


@pytest.mark.parametrize("path", ["/tokenize", "/detokenize", "/score"])
def test_the_other_examples(client: FlaskClient, document: Any, path: str) -> None:
    operation = document["paths"][path]["post"]
    name = operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    for example in operation["requestBody"]["content"]["application/json"]["examples"].values():
        check(client, path, example["value"], getattr(replies, name))
