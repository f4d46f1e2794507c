"""Keys made by the service, rate limits, origins: what an operator may set for every route."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from limits.storage import MemoryStorage

from durable.entries import is_file, is_there
from service.api.http import cors
from service.api.http.rate_limits import RateLimit, in_redis
from service.keys.errors import KeyNotFoundError
from service.keys.key_file import KeyFile
from tests.damage import DAMAGES, DAMAGES_OF_KEYS
from tests.ports import free_port


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture
def made(settings: Any) -> KeyFile:
    return KeyFile(settings.data)


def test_a_key_that_was_made_opens_and_a_revoked_one_does_not(made: KeyFile, new_client: Any) -> None:
    first, second = made.add("app", "a site"), made.add("app", "another")
    client = new_client()
    assert client.get("/models").status_code == 401
    assert {client.get("/models", headers=bearer(key)).status_code for key in (first, second)} == {200}
    assert client.get("/jobs", headers=bearer(first)).status_code == 403
    made.revoke(made.all()[0].id)
    client = new_client()
    assert [client.get("/models", headers=bearer(key)).status_code for key in (first, second)] == [401, 200]
    made.revoke(made.all()[1].id)
    assert new_client().get("/models").status_code == 401, "the last key's end does not open the doors"


def test_an_admins_key_that_was_made_manages(made: KeyFile, new_client: Any) -> None:
    key = made.add("admin", "operator")
    assert new_client().get("/jobs", headers=bearer(key)).status_code == 200
    assert new_client().get("/models").status_code == 200, "apps need no key for that"


def test_no_key_is_kept(made: KeyFile, settings: Any) -> None:
    key = made.add("app", "a site")
    assert all(key not in file.read_text() for file in settings.data_dir.glob("*keys*"))
    assert [(each.role, each.name, each.revoked) for each in made.all()] == [("app", "a site", None)]


def test_a_key_is_revoked_once(made: KeyFile) -> None:
    made.add("app", "a site")
    made.revoke(made.all()[0].id)
    for id in (made.all()[0].id, "nothing"):
        with pytest.raises(KeyNotFoundError, match=id):
            made.revoke(id)


def test_a_request_over_the_limit_gets_a_retry_after() -> None:
    limit = RateLimit("2/hour;1000/day", MemoryStorage())
    assert [limit.retry_after("a") is None for _ in range(3)] == [True, True, False]
    assert limit.retry_after("b") is None
    assert 0 < (limit.retry_after("a") or 0) <= 7200


def test_a_limited_request_has_the_one_shape(new_client: Any) -> None:
    client = new_client(rate_limit="1/hour", rates=MemoryStorage())
    assert [client.get("/models", headers=bearer("wrong")).status_code for _ in range(2)] == [200, 429]
    assert client.get("/models", headers=bearer("admin-key")).status_code == 200, "a key counts by itself"
    refused = client.get("/models")
    assert refused.json["error"]["code"] == "rate_limited"
    assert int(refused.headers["Retry-After"]) > 0
    assert client.get("/healthz").status_code == 200


def test_without_redis_no_request_waits() -> None:
    now = [0.0]
    limit = RateLimit("1/hour", in_redis(f"redis://127.0.0.1:{free_port()}/0", timeout=0.2), lambda: now[0])
    assert [limit.retry_after("a") for _ in range(3)] == [None] * 3
    now[0] = 3.0
    assert limit.retry_after("a") is None


@pytest.fixture
def shared() -> FlaskClient:
    app = Flask("shared")
    cors.register(app, ("https://app.example",))
    app.add_url_rule("/", view_func=lambda: "text", methods=["GET", "POST"])
    return app.test_client()


def test_a_page_of_an_origin_that_is_named_may_call(shared: FlaskClient) -> None:
    reply = shared.get("/", headers={"Origin": "https://app.example"})
    assert reply.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert reply.headers["Vary"] == "Origin"


@pytest.mark.parametrize(
    ("asked", "allowed"),
    [
        ("authorization,content-type,x-stainless-os,x-stainless-retry-count", True),
        ("x-any", True),
        ("a b", False),
        ("x,,y", False),
        ("", False),
    ],
)
def test_a_page_may_send_the_headers_that_it_says(new_client: Any, asked: str, allowed: bool) -> None:
    limit = {"rate_limit": "1/hour", "rates": MemoryStorage()}
    client = new_client(**limit, cors_origins=("https://app.example",), api_keys=("app-key",))
    headers = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    for route in ("/v1/completions", "/jobs", "/nothing", "/healthz"):
        reply = client.options(route, headers=headers | {"Access-Control-Request-Headers": asked})
        assert reply.status_code == 204
        assert (reply.headers["Access-Control-Allow-Headers"] == asked) == allowed
        assert set(reply.vary) == {"Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers"}
        assert "Access-Control-Allow-Credentials" not in reply.headers


def test_a_page_sees_what_a_program_sees(shared: FlaskClient) -> None:
    reply = shared.get("/", headers={"Origin": "https://app.example"})
    assert {"X-Request-Id", "X-Cache", "Retry-After", "X-Should-Retry"} <= set(
        reply.headers["Access-Control-Expose-Headers"].split(", ")
    )


def test_a_page_of_another_origin_may_not(shared: FlaskClient) -> None:
    for origin in ("https://evil.example", "null"):
        asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        assert "Access-Control-Allow-Origin" not in shared.get("/", headers=asked).headers
        assert "Access-Control-Allow-Methods" not in shared.options("/", headers=asked).headers


def test_a_browser_asks_before_it_sends_a_key(new_client: Any) -> None:
    client = new_client(cors_origins=("*",), api_keys=("app-key",))
    asked = {"Origin": "https://any.example", "Access-Control-Request-Method": "POST"}
    reply = client.options("/generate", headers=asked)
    assert (reply.status_code, reply.headers["Access-Control-Allow-Origin"]) == (204, "https://any.example")
    assert "Authorization" in reply.headers["Access-Control-Allow-Headers"]


def test_no_page_may_call_unless_it_is_set(client: FlaskClient) -> None:
    assert "Access-Control-Allow-Origin" not in client.get("/models", headers={"Origin": "https://a.example"}).headers


GUARDED = [
    ("GET", "/models"),
    ("POST", "/generate"),
    ("POST", "/v1/completions"),
    ("GET", "/v1/models"),
    ("POST", "/tokenize"),
    ("POST", "/trace"),
    ("GET", "/jobs"),
    ("POST", "/corpora"),
    ("PUT", "/models/letters/aliases/current"),
    ("GET", "/key"),
]


@pytest.mark.parametrize("damage", [*DAMAGES_OF_KEYS, "vanished"])
def test_what_keys_guard_is_closed_while_they_cannot_be_read(
    made: KeyFile, settings: Any, new_client: Any, damage: str
) -> None:
    key = made.add("app", "a site")
    path = settings.data_dir / "keys.json"
    whole = path.read_bytes()
    DAMAGES.get(damage, Path.unlink)(path)
    client = new_client()
    for method, route in GUARDED:
        for headers in ({}, bearer(key), bearer("admin-key"), bearer("schl\u00fcssel")):
            reply = client.open(route, method=method, headers=headers)
            assert (reply.status_code, reply.json["error"]["code"]) == (503, "keys_unavailable"), route
            assert int(reply.headers["Retry-After"]) > 0
    assert client.get("/healthz").status_code == client.get("/openapi.json").status_code == 200
    ready = client.get("/readyz")
    assert (ready.status_code, "keys.json" in ready.json["error"]["message"]) == (503, True)
    if is_there(path) and not is_file(path):
        path.rename(path.with_name("moved"))
    path.write_bytes(whole)
    assert new_client().get("/models", headers=bearer(key)).status_code == 200


def test_the_admins_own_key_that_cannot_be_read_closes_what_is_an_admins(new_client: Any, settings: Any) -> None:
    path, other = settings.data_dir / "admin-key", KeyFile(settings.data).add("admin", "another")
    client = new_client(admin_api_keys=())
    key = path.read_text().strip()
    assert client.get("/jobs", headers=bearer(key)).status_code == 200
    path.write_text(key[:10])
    client = new_client(admin_api_keys=(), api_keys=("app-key",))
    for headers in ({}, bearer(key), bearer(key[:10])):
        assert client.get("/jobs", headers=headers).status_code == 503
    assert client.get("/jobs", headers=bearer(other)).status_code == 200, "of another place"
    assert client.get("/models", headers=bearer("app-key")).status_code == 200
    ready = client.get("/readyz")
    assert (ready.status_code, "admin-key" in ready.text) == (200, True)


@pytest.mark.parametrize("value", ["schl\u00fcssel", "\u00ff" * 50, "a b", "=", "\u00a0"])
def test_a_header_that_is_no_key_is_wrong_and_no_more(new_client: Any, value: str) -> None:
    client = new_client(api_keys=("app-key",))
    assert client.get("/models", headers=bearer(value)).status_code == 401
    assert client.get("/jobs", headers=bearer(value)).status_code == 401
