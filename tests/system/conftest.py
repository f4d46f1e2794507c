"""One service for all tests that only ask."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.system.running import Service
from tests.waiting import until

ADMIN_KEY = "admin-key"
LONGEST = 1_000_000
"""Characters of a text whose writing takes many seconds."""


@pytest.fixture(scope="session")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with a starter model, few places, long texts and a known admin key."""
    folder = tmp_path_factory.mktemp("asked")
    settings = {"ADMIN_API_KEYS": ADMIN_KEY, "MAX_ACTIVE": "8", "MAX_WAITING": "4", "MAX_LENGTH": str(LONGEST)}
    service = Service(folder / "data", folder / "log", **settings, LOG_LEVEL="warning")
    try:
        until(lambda: service.answers("/readyz"))
        yield service
    finally:
        service.end()


@pytest.fixture(scope="session")
def admin_key() -> str:
    return ADMIN_KEY
