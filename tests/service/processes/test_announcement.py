"""What is printed when the service is up."""

from __future__ import annotations

from pathlib import Path

from service.processes.announcement import announcement
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
