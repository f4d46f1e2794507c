"""What a text has to fit means the same under every server's name; more than one name at once is refused."""

from __future__ import annotations

import itertools
import json
from typing import Any, Final

import pytest
from flask.testing import FlaskClient

from charrnn.patterns.bounds import MAX_CHARACTERS, MAX_CHOICES
from charrnn.patterns.compiling import Pattern
from service.api.schemas.completions import CompletionBody
from service.api.schemas.generate import GenerateBody
from service.api.schemas.generation import SamplingBody
from service.api.schemas.patterns import SOURCES
from service.api.schemas.records import RecordsBody
from service.settings import Settings

SCHEMA: Final = {"type": "object", "properties": {"ä": {"minimum": 1.5}}, "required": []}
TEXT: Final = json.dumps(SCHEMA, ensure_ascii=False)
REGEX: Final[list[dict[str, Any]]] = [
    {"regex": "a|b"},
    {"guided_regex": "a|b"},
    {"structured_outputs": {"regex": "a|b"}},
]
CHOICE: Final[list[dict[str, Any]]] = [
    {"choice": ["a", "", "ab"]},
    {"guided_choice": ["a", "", "ab"]},
    {"structured_outputs": {"choice": ["a", "", "ab"], "json": None, "disable_fallback": True}},
]
JSON: Final[list[dict[str, Any]]] = [
    {name: schema} for name in ("json_schema", "guided_json") for schema in (SCHEMA, TEXT)
] + [
    {"structured_outputs": {"json": SCHEMA}},
    {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "strict": True, "schema": SCHEMA}}},
    {"response_format": {"type": "json_schema", "json_schema": {"schema": TEXT}}},
]  # fmt: skip
SAME: Final = [(Pattern("regex", "a|b"), each) for each in REGEX]
SAME.extend((Pattern("choice", ("a", "", "ab")), each) for each in CHOICE)
SAME.extend((Pattern("json_schema", TEXT), each) for each in JSON)

BODIES: Final = [GenerateBody, CompletionBody, RecordsBody]


def body(kind: type[SamplingBody], fields: dict[str, Any]) -> SamplingBody:
    data = {**fields, **({"count": 1} if kind is RecordsBody else {})}
    return kind.model_validate_json(json.dumps(data), context={"settings": Settings()})


def refused(client: FlaskClient, fields: dict[str, Any], route: str = "/generate") -> tuple[Any, ...]:
    reply = client.post(route, json=fields)
    error: Any = reply.json
    assert reply.status_code == 422, reply.text
    return tuple(error["error"][name] for name in ("code", "param", "message"))


@pytest.fixture
def client(shared_client: FlaskClient) -> FlaskClient:
    return shared_client


@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize(("pattern", "fields"), SAME)
def test_other_servers_names_mean_the_same(kind: type[SamplingBody], pattern: Pattern, fields: Any) -> None:
    made = body(kind, fields)
    assert made.pattern() == pattern
    assert made.pattern_field in fields and made.gives_pattern


def test_every_name_was_tried() -> None:
    assert {name for _, fields in SAME for name in fields} == set(SOURCES)


@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize("fields", [{}, {"response_format": {"type": "text"}}, {"guided_json": None}])
def test_what_asks_for_nothing_is_none(kind: type[SamplingBody], fields: Any) -> None:
    made = body(kind, fields)
    assert made.pattern() is None and not made.gives_pattern
    assert made.pattern_field == ("continue" if kind is GenerateBody else None)


@pytest.mark.parametrize("name", ["regex", "choice", "json_schema"])
def test_null_says_that_nothing_has_to_fit(name: str) -> None:
    made = body(GenerateBody, {name: None})
    assert made.pattern() is None and made.gives_pattern


def test_text_as_the_format_stands_beside_any_pattern() -> None:
    assert body(CompletionBody, {"response_format": {"type": "text"}, "regex": "a"}).pattern() == Pattern("regex", "a")


@pytest.mark.parametrize("route", ["/generate", "/v1/completions", "/records"])
def test_two_at_once_are_refused_even_if_they_are_the_same(client: FlaskClient, route: str) -> None:
    count = {"count": 1} if route == "/records" else {}
    firsts: list[dict[str, Any]] = [REGEX[0], REGEX[1], CHOICE[0], CHOICE[1], JSON[0], JSON[2], JSON[4], JSON[5]]
    for one, other in itertools.combinations(firsts, 2):
        (first,), (second,) = one, other
        first, second = sorted((first, second), key=list(SOURCES).index)
        message = f"{first} and {second} both say what the text has to fit: give only one of them"
        assert refused(client, {**one, **other, **count}, route) == ("invalid_value", second, message)


@pytest.mark.parametrize(
    ("fields", "code", "param", "part"),
    [
        ({"regex": 5}, "invalid_value", "regex", "regex: input should be a valid string, not 5"),
        ({"choice": "ab"}, "invalid_value", "choice", "choice: input should be a valid array, not 'ab'"),
        ({"choice": ["a", 1]}, "invalid_value", "choice", "choice[1]: input should be a valid string, not 1"),
        ({"json_schema": [1]}, "invalid_value", "json_schema", "should be an object, or a string with one"),
        (
            {"structured_outputs": {}},
            "invalid_value",
            "structured_outputs",
            "one of regex, choice, json, not 0 of them",
        ),
        (
            {"structured_outputs": {"regex": "a", "choice": ["a"]}},
            *("invalid_value", "structured_outputs", "one of regex, choice, json, not 2 of them"),
        ),
        ({"structured_outputs": {"grammar": "a"}}, "unknown_field", "structured_outputs", "structured_outputs.grammar"),
        ({"response_format": {"type": "xml"}}, "invalid_value", "response_format", "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "unsupported_pattern", "response_format", "without a schema"),
        ({"response_format": {"type": "json_object"}}, "unsupported_pattern", "response_format", "json_object"),
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, "invalid_value", "response_format", "schema"),
        ({"guided_grammar": "a"}, "invalid_value", "guided_grammar", 'must be ""'),
    ],
)
def test_messages(client: FlaskClient, fields: Any, code: str, param: str, part: str) -> None:
    found = refused(client, fields)
    assert found[:2] == (code, param) and part in found[2]


def test_bounds_are_in_the_document(client: FlaskClient) -> None:
    document: Any = client.get("/openapi.json").json
    for name in ("GenerateBody", "CompletionBody", "RecordsBody"):
        fields = document["components"]["schemas"][name]["properties"]
        assert fields["regex"]["anyOf"][0]["maxLength"] == MAX_CHARACTERS
        assert fields["choice"]["anyOf"][0]["maxItems"] == MAX_CHOICES
        assert all(fields[each]["description"] for each in SOURCES)
