"""Every number, path segment, parameter and header of every route in the document, with values that are none: each
gets an error of the contract, and none a 500."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

DIGITS = ["9" * 300, "9" * 5000, "-" + "9" * 300, "1e308", "1e400", "18446744073709551616", "-1", "NaN", "\u0663"]
RANGES = ["bytes=0-" + "9" * 300, "bytes=" + "9" * 5000 + "-", "bytes=-" + "9" * 400, "bytes=5-1", "bytes=,"]
HEADERS = {
    **dict.fromkeys(("Content-Length", "Max-Forwards", "Last-Event-ID", "X-Request-Id", "Host"), DIGITS),
    **{name: [*RANGES, *DIGITS] for name in ("Range", "If-Range")},
    "Cache-Control": ["max-age=" + "9" * 400, "no-cache=" + "9" * 5000, "=", ","],
    "Accept": ["text/html;q=" + "9" * 400, "*/*;q=NaN", ";;", "text/html;q=1e308"],
    "Content-Type": [
        "application/json;charset=" + "9" * 400,
        "application/json;charset=\xff",
        ";",
        "multipart/form-data",
    ],
    "If-Modified-Since": ["9" * 300, "Thu, 01 Jan 99999 00:00:00 GMT", "Thu, 01 Jan 0000 00:00:00 GMT"],
    "If-None-Match": ['"' + "x" * 5000, "*,", "W/"],
    "Authorization": ["Bearer " + "9" * 5000, "Basic " + "=" * 50, "Digest x", "Bearer \xff", "Bearer"],
    "X-Forwarded-For": ['"', "[::1", "\xff", "9" * 5000],
    "Forwarded": ['for="', "for=[::1"],
}
OF_EVERY_KIND = {"/generate", "/models/{name}/versions/{version}/weights", "/corpora", "/openapi.json", "/healthz"}
ERRORS = {400, 401, 403, 404, 405, 409, 411, 413, 415, 416, 422}


@pytest.fixture
def client(new_client: Any) -> FlaskClient:
    made: FlaskClient = new_client(trusted_proxies=1)
    return made


@pytest.fixture
def document(client: FlaskClient) -> Any:
    return client.get("/openapi.json").json


@pytest.fixture
def known(client: FlaskClient, admin: dict[str, str]) -> dict[str, str]:
    """A value of each name in a path, of something that exists."""
    text = b"abc " * 5000
    corpus: Any = client.post("/corpora", data=text, content_type="text/plain", headers=admin).json
    job: Any = client.post("/jobs", json={"corpus": corpus["id"], "model": "letters"}, headers=admin).json
    mine = {"corpus_id": corpus["id"], "job_id": job["id"], "reference": "letters@1", "slug": "hidden-1-1"}
    return {"name": "letters", "version": "1", "alias": "current", **mine}


def operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    """Path, method and description; what deletes comes last."""
    for last in (False, True):
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                if (method == "delete") == last:
                    yield path, method.upper(), operation


def filled(path: str, known: dict[str, str]) -> str:
    return re.sub(r"{(\w+)}", lambda name: known[name[1]], path)


def body_of(operation: Any) -> dict[str, Any] | None:
    """The first example of a JSON body, if the operation takes one."""
    examples = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("examples", {})
    return next((dict(each["value"]) for each in examples.values()), None)


def check(reply: TestResponse, what: str) -> None:
    with reply:
        if reply.status_code >= 400:
            assert reply.status_code in ERRORS, (what[:200], reply.text)
            assert set(json.loads(reply.text)["error"]) >= {"type", "code", "message", "param"}
            assert len(reply.data) < 6000, "an error does not repeat all that it was sent"


def test_segments_of_paths(client: FlaskClient, document: Any, known: dict[str, str], admin: dict[str, str]) -> None:
    for path, method, operation in operations(document):
        for name in re.findall(r"{(\w+)}", path):
            for odd in DIGITS:
                where = filled(path, known | {name: odd})
                check(client.open(where, method=method, json=body_of(operation), headers=admin), f"{method} {where}")


def test_parameters(client: FlaskClient, document: Any, known: dict[str, str], admin: dict[str, str]) -> None:
    for path, method, operation in operations(document):
        for parameter in operation.get("parameters", []):
            for odd in DIGITS if parameter["in"] == "query" else ():
                given = {parameter["name"]: odd}
                reply = client.open(
                    filled(path, known), method=method, query_string=given, json=body_of(operation), headers=admin
                )
                check(reply, f"{method} {path} {given}")


def test_fields_of_bodies(client: FlaskClient, document: Any, known: dict[str, str], admin: dict[str, str]) -> None:
    schemas = document["components"]["schemas"]
    for path, method, operation in operations(document):
        if (usual := body_of(operation)) is None:
            continue
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        fields = schemas[schema["$ref"].rpartition("/")[2]]["properties"]
        for field in fields:
            for shape in ("{}", "[{}]", '{{"1": {}}}', '[{{"layer": {0}, "unit": {0}}}]'):
                for odd in DIGITS if shape == "{}" else ("9" * 300, "1e308"):
                    others = json.dumps({**usual, field: "HERE"})
                    text = others.replace('"HERE"', shape.format(odd))
                    reply = client.open(
                        filled(path, known),
                        method=method,
                        data=text.encode(),
                        content_type="application/json",
                        headers=admin,
                    )
                    check(reply, f"{method} {path} {text}")


def test_headers(client: FlaskClient, document: Any, known: dict[str, str], admin: dict[str, str]) -> None:
    for path, method, operation in operations(document):
        if path not in OF_EVERY_KIND:
            continue
        for name, values in HEADERS.items():
            for odd in values:
                given = admin | {name: odd.encode("utf-8").decode("latin-1")}
                reply = client.open(filled(path, known), method=method, json=body_of(operation), headers=given)
                check(reply, f"{method} {path} {name}: {odd}")


def test_the_events_of_a_job_go_on_after_one_of_them(
    client: FlaskClient, known: dict[str, str], admin: dict[str, str]
) -> None:
    for odd in DIGITS:
        given = admin | {"Last-Event-ID": odd.encode("utf-8").decode("latin-1")}
        reply = client.get(f"/jobs/{known['job_id']}/events", headers=given)
        check(reply, odd)
        assert reply.status_code == 422
