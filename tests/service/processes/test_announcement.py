"""What is printed when the service is up."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.processes.announcement import announcement, url
from service.settings import Settings


def test_it_names_the_address_and_the_keys_whereabouts_but_never_a_key() -> None:
    text = announcement(Settings(port=8123, data_dir=Path("somewhere"), api_keys=("app-key",)))
    assert "http://127.0.0.1:8123" in text
    assert "somewhere/admin-key" in text
    assert "app-key" not in text


def test_keys_of_the_operator_are_found_where_they_were_set() -> None:
    text = announcement(Settings(admin_api_keys=("admin-key-value",)))
    assert "in ADMIN_API_KEYS" in text
    assert "admin-key-value" not in text


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("::1", "http://[::1]:80"),
        ("::", "http://[::1]:80"),
        ("example.org", "http://example.org:80"),
    ],
)
def test_the_address_is_one_that_a_client_can_use(host: str, expected: str) -> None:
    assert url(host, 80) == expected
