"""The document says what the routes do: its examples are run, and its bounds are the settings'."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

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
    assert document["paths"]["/generate"]["post"]["security"] == []
    assert document["paths"]["/jobs"]["post"]["security"] == [{"key": []}]
    closed: Any = new_client(api_keys=("app-key",)).get("/openapi.json").json
    assert closed["paths"]["/generate"]["post"]["security"] == [{"key": []}]
    assert closed["paths"]["/healthz"]["get"]["security"] == []


def test_the_page_needs_nothing_from_elsewhere(client: FlaskClient) -> None:
    reply = client.get("/docs")
    assert reply.mimetype == "text/html"
    assert "<script" not in reply.text
    assert not re.findall(r"(?:src|href)=\"(?!openapi\.json\")", reply.text)
    assert reply.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'sha256-")
    for path in ("/generate", "/v1/completions", "/models/{name}/aliases/{alias}"):
        assert path in reply.text
