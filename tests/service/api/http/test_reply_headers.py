"""Every route's replies, errors included, tell browsers what they may do with them, and name no host."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from service.api.pages.routes import HERE
from service.browser_headers import POLICIES, headers_for
from service.processes.web_server.errors import CODES, JSON, error_response

VALUES = {"name": "letters", "int:version": "1", "alias": "current", "path:path": "style.css", "digest": "any"}


def paths(client: FlaskClient) -> list[tuple[str, str]]:
    """A path of every route with each of its methods."""
    rules = client.application.url_map.iter_rules()
    return sorted(
        (re.sub("<([^>]+)>", lambda name: VALUES.get(name[1], "unknown"), rule.rule), method)
        for rule in rules
        for method in rule.methods or ()
    )


def test_every_route(new_client: Any) -> None:
    client = new_client(cors_origins=("https://app.example",))
    asked = [*paths(client), ("/nothing", "GET"), ("/ui", "GET"), ("/%00", "GET"), ("/", "BREW")]
    assert len(asked) > 100
    replies = []
    for path, method in asked:
        for key in ({}, {"Authorization": "Bearer admin-key"}):
            replies.append(client.open(path, method=method, headers={"Origin": "https://app.example", **key}))
            replies[-1].close()
    statuses = {reply.status_code for reply in replies}
    assert statuses >= {200, 308, 401, 404, 405, 409, 415} and max(statuses) < 500, statuses
    for reply in replies:
        expected = headers_for(reply.mimetype or "")
        assert {name: reply.headers.getlist(name) for name in expected} == {
            name: [value] for name, value in expected.items()
        }, reply.request.path
        assert "localhost" not in reply.headers.get("Location", "/"), reply.request.path
    assert {reply.mimetype for reply in replies} >= {"text/html", "image/svg+xml", JSON, "text/css", "text/plain"}


def test_every_file_of_the_pages(shared_client: FlaskClient) -> None:
    for file in (each for each in (HERE / "static").rglob("*") if each.is_file()):
        reply = shared_client.get(f"/ui/files/any/{file.relative_to(HERE / 'static').as_posix()}")
        assert (reply.status_code, reply.headers["X-Content-Type-Options"]) == (200, "nosniff")


@pytest.mark.parametrize("status", CODES)
def test_what_the_web_server_refuses_by_itself(status: int) -> None:
    head = error_response(status).partition(b"\r\n\r\n")[0].decode()
    for name, value in headers_for(JSON).items():
        assert f"\r\n{name}: {value}" in head


@pytest.mark.parametrize("mimetype", [*POLICIES, "application/json", "text/plain", ""])
def test_nothing_is_put_into_a_frame_or_loads_what_is_not_its_own(mimetype: str) -> None:
    policy = headers_for(mimetype)["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "frame-ancestors 'none'"} <= set(policy)
    assert not any("*" in each or "http" in each for each in policy)


def test_a_redirection_stays_on_the_host_that_was_asked(shared_client: FlaskClient) -> None:
    for path, where in {"/ui": "/ui/", "/models//letters": "/models/letters"}.items():
        reply = shared_client.get(f"{path}?details=true", headers={"Host": "evil.example"})
        assert (reply.status_code, reply.headers["Location"]) == (308, f"{where}?details=true")
