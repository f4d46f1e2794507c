"""Every route of the document, and every other one that there is, with keys that do not permit it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from flask.testing import FlaskClient

from service.keys.key_file import KeyFile

OPEN = {"/healthz", "/health", "/readyz", "/metrics", "/openapi.json", "/docs", "/key"}
PAGES = re.compile(r"/|/ui/.*")
NAMES = {"name": "letters", "version": "1", "alias": "current"}


class Keys(NamedTuple):
    """Headers with an app's key, and by name those that are no key at all."""

    app: dict[str, str]
    none: dict[str, dict[str, str]]


@pytest.fixture
def keys(settings: Any) -> Keys:
    made = KeyFile(settings.data)
    app, revoked, former_admin = made.add("app", "a"), made.add("app", "b"), made.add("admin", "c")
    for key in made.all()[1:]:
        made.revoke(key.id)
    return Keys(
        {"Authorization": f"Bearer {app}"},
        {
            "none": {},
            "revoked": {"Authorization": f"Bearer {revoked}"},
            "revoked admin": {"Authorization": f"Bearer {former_admin}"},
            "garbage": {"Authorization": "Bearer \xff\x00 , ;"},
            "empty": {"Authorization": "Bearer "},
            "a digest": {"Authorization": f"Bearer {made.all()[0].sha256}"},
            "a part": {"Authorization": f"Bearer {app[:-1]}"},
            "two": {"Authorization": f"Bearer {app} {app}"},
            "another scheme": {"Authorization": f"Basic {app}"},
            "another header": {"X-Api-Key": app, "Cookie": f"key={app}", "Proxy-Authorization": f"Bearer {app}"},
        },
    )


@pytest.fixture
def client(keys: Keys, new_client: Any) -> FlaskClient:
    made: FlaskClient = new_client()
    return made


def operations(client: FlaskClient) -> Iterator[tuple[str, str, Any]]:
    """Path, method and description; HEAD is permitted as GET is."""
    document: Any = client.get("/openapi.json").json
    for path, methods in document["paths"].items():
        where = re.sub(r"{(\w+)}", lambda name: NAMES.get(name[1], "unknown"), path)
        for method, operation in methods.items():
            yield where, method.upper(), operation
            if method == "get":
                yield where, "HEAD", operation


def status(client: FlaskClient, path: str, method: str, headers: dict[str, str], **more: Any) -> int:
    with client.open(path, method=method, headers=headers, **more) as reply:
        return reply.status_code


def test_every_route_of_an_admin(client: FlaskClient, keys: Keys, admin: dict[str, str]) -> None:
    routes = [(path, method) for path, method, about in operations(client) if "403" in about["responses"]]
    assert len(routes) > 15
    for path, method in routes:
        for name, headers in keys.none.items():
            assert status(client, path, method, headers) == 401, (method, path, name)
        assert status(client, path, method, keys.app) == 403, (method, path)
    assert {status(client, path, method, admin) for path, method in routes}.isdisjoint({401, 403})


def test_every_route_of_an_app(client: FlaskClient, keys: Keys, admin: dict[str, str]) -> None:
    routes = [
        (path, method)
        for path, method, about in operations(client)
        if "401" in about["responses"] and "403" not in about["responses"] and path not in OPEN
    ]
    assert len(routes) > 20
    for path, method in routes:
        for name, headers in keys.none.items():
            assert status(client, path, method, headers) == 401, (method, path, name)
        for headers in (keys.app, admin):
            assert status(client, path, method, headers) not in (401, 403), (method, path)


def test_there_are_no_other_routes_than_these_and_the_pages(client: FlaskClient, keys: Keys) -> None:
    document: Any = client.get("/openapi.json").json
    listed = {re.sub("{.*?}", "{}", path) for path in document["paths"]}
    rules = {re.sub("<.*?>", "{}", rule.rule) for rule in client.application.url_map.iter_rules()}
    assert [rule for rule in rules - listed if not PAGES.fullmatch(rule)] == []
    free = {path for path, _, about in operations(client) if "401" not in about["responses"]}
    assert free <= OPEN
    for path, method, _ in operations(client):
        if path not in OPEN:
            assert status(client, path, method, {}) == 401, (method, path)


@pytest.mark.parametrize(
    "path",
    [
        "//jobs",
        "/jobs/",
        "/jobs//",
        "/JOBS",
        "/./jobs",
        "/docs/../jobs",
        "/jobs;a",
        "/jobs\x00",
        "/jobs\n",
        "\\jobs",
        "jobs",
    ],
)
def test_a_path_in_other_words_opens_nothing(client: FlaskClient, path: str) -> None:
    for method in ("GET", "HEAD", "POST", "OPTIONS", "TRACE", "PROPFIND", "get"):
        got = status(client, "/", method, {}, environ_overrides={"PATH_INFO": path})
        assert got in (308, 401, 404, 405), method


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Prefix"])
def test_no_header_names_another_route(client: FlaskClient, header: str) -> None:
    for value in ("GET", "/healthz"):
        assert status(client, "/jobs", "GET", {header: value}) == 401
