"""The document says what the routes do: its examples are run, and its bounds are the settings'."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from flask import Flask
from flask.testing import FlaskClient

from service.api.openapi.operations import operation_of
from service.api.schemas.meanings import MEANINGS, explained
from service.generation.requests import FinishReason

README = (Path(__file__).parents[4] / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def client(shared_client: FlaskClient) -> FlaskClient:
    return shared_client


@pytest.fixture
def document(client: FlaskClient) -> Any:
    return client.get("/openapi.json").json


def test_every_route_is_described(client: FlaskClient) -> None:
    app: Flask = client.application
    silent = [name for name, function in app.view_functions.items() if operation_of(function) is None]
    assert silent == []


def test_the_readme_lists_all_routes_and_no_other(document: Any) -> None:
    def nameless(path: str) -> str:
        return re.sub(r"{\w+}", "{}", path)

    routes = {nameless(path) for path in document["paths"]}
    rows = re.findall(r"^\| (`.*?) \|", README.split("\n## Routes\n")[1].split("\n## ")[0], re.MULTILINE)
    listed = {nameless(path) for path in re.findall(r"(?<=[` ])(?:\.\.\.)?/[\w/{}.]+(?=`)", " ".join(rows))}
    ends = tuple(path.removeprefix("...") for path in listed if path.startswith("..."))
    pictures = {path.removesuffix("svg") + "png" for path in routes}  # `.png` alone, beside `.svg`
    assert {path for path in routes - pictures if path not in listed and not path.endswith(ends)} == set()
    assert [end for end in ends if not any(path.endswith(end) for path in routes)] == []
    assert {path for path in listed - routes if not path.startswith(("...", "/ui/"))} == set()


def test_bounds_that_are_settings_are_in_it(document: Any, new_client: Callable[..., FlaskClient]) -> None:
    def length(document: Any) -> Any:
        return document["components"]["schemas"]["GenerateBody"]["properties"]["length"]

    assert length(document)["anyOf"] == [{"minimum": 1, "maximum": 1000, "type": "integer"}, {"type": "null"}]
    other: Any = new_client(max_length=7).get("/openapi.json").json
    assert length(other)["anyOf"][0]["maximum"] == 7
    assert "x-at-most" not in str(document)


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("model", ("plays", "a.b-c_9"), ("", "plays@3", "-a", "a" * 65)),
        ("base", ("plays", "plays@3", "plays@best"), ("", "@3", "plays@")),
    ],
)
def test_a_jobs_names_have_their_patterns(
    document: Any, field: str, good: tuple[str, ...], bad: tuple[str, ...]
) -> None:
    schema = document["components"]["schemas"]["JobBody"]["properties"][field]
    pattern = schema.get("anyOf", [schema])[0]["pattern"]
    assert all(re.search(pattern, each) for each in good)
    assert not any(re.search(pattern, each) for each in bad)


def test_a_streams_last_event_is_in_it(document: Any) -> None:
    streams = [
        content["text/event-stream"]["schema"]
        for methods in document["paths"].values()
        for operation in methods.values()
        for response in operation["responses"].values()
        if "text/event-stream" in (content := response.get("content", {}))
    ]
    assert len(streams) == 3
    for event in streams:
        last, told = event["properties"]["data"]["anyOf"]
        assert last == {"const": "[DONE]"}
        assert {"$ref": "#/components/schemas/ErrorReply"} in told["contentSchema"]["anyOf"]


def test_every_reference_leads_somewhere(document: Any) -> None:
    names = set(re.findall(r"#/components/schemas/(\w+)", str(document)))
    assert names <= set(document["components"]["schemas"])


def test_keys_are_asked_for_where_they_are_needed(document: Any, new_client: Callable[..., FlaskClient]) -> None:
    assert document["paths"]["/generate"]["post"]["security"] == []
    assert document["paths"]["/jobs"]["post"]["security"] == [{"key": []}]
    closed: Any = new_client(api_keys=("app-key",)).get("/openapi.json").json
    assert closed["paths"]["/generate"]["post"]["security"] == [{"key": []}]
    assert closed["paths"]["/healthz"]["get"]["security"] == []


def test_the_page_has_every_route_with_a_form_and_its_place_in_the_contents(client: FlaskClient, document: Any) -> None:
    text = client.get("/docs").text
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            id = operation["operationId"]
            assert f'<article class="card route" id="{id}"' in text
            assert f'href="#{id}"' in text
            assert f'data-method="{method.upper()}" data-path="{path}"' in text


def test_the_page_says_what_the_document_says_of_a_field(client: FlaskClient, document: Any) -> None:
    length = document["components"]["schemas"]["GenerateBody"]["properties"]["length"]
    text = html.unescape(client.get("/docs").text)
    assert length["description"] in text
    assert "integer, 1 to 1,000" in text
    assert document["components"]["schemas"]["JobBody"]["properties"]["dropout"]["description"] in text


def test_every_field_has_a_meaning_and_no_meaning_is_without_a_field(document: Any) -> None:
    fields = {
        (name, field)
        for name, each in document["components"]["schemas"].items()
        for field in each.get("properties", {})
    }
    known = {f"{name}.{field}" for name, field in fields} | {field for _, field in fields}
    assert set(MEANINGS) <= known


def test_a_field_without_a_meaning_is_named() -> None:
    with pytest.raises(KeyError, match=r"Some\.frobs has no meaning: add it to service/api/schemas/meanings\.py"):
        explained({"Some": {"properties": {"frobs": {"type": "integer"}}}})


def test_every_reason_to_finish_is_explained() -> None:
    meaning = MEANINGS["finish_reason"]
    assert [reason for reason in get_args(FinishReason) if f"`{reason}`" not in meaning] == []


def test_code_generators_can_tell_the_routes_apart(document: Any) -> None:
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    assert {operation["tags"][0] for operation in operations} >= {"generation", "completions", "jobs", "models"}


def test_every_parameter_has_a_meaning(document: Any) -> None:
    bare = [
        (path, parameter["name"])
        for path, methods in document["paths"].items()
        for operation in methods.values()
        for parameter in operation.get("parameters", [])
        if not parameter.get("description")
    ]
    assert bare == []
