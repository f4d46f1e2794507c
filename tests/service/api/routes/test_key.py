"""The role of a key is returned, and an invalid key is refused."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient


def test_each_key_has_its_role(new_client: Any, admin: dict[str, str], app_key: dict[str, str]) -> None:
    client = new_client(api_keys=("app-key",))
    assert client.get("/key", headers=admin).json == {"role": "admin", "needed": True}
    assert client.get("/key", headers=app_key).json == {"role": "app", "needed": True}
    assert client.get("/key").json == {"role": None, "needed": True}


def test_without_keys_for_apps_none_is_needed(client: FlaskClient) -> None:
    assert client.get("/key").json == {"role": None, "needed": False}


def test_a_wrong_key_is_refused_even_where_none_is_needed(client: FlaskClient) -> None:
    reply: Any = client.get("/key", headers={"Authorization": "Bearer wrong"})
    assert (reply.status_code, reply.json["error"]["code"]) == (401, "invalid_api_key")
