"""One service for all tests that only ask."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.system.running import Service, until

ADMIN_KEY = "admin-key"


@pytest.fixture(scope="session")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with a starter model, few places and a known admin key."""
    folder = tmp_path_factory.mktemp("asked")
    service = Service(
        folder / "data", folder / "log", ADMIN_API_KEYS=ADMIN_KEY, MAX_ACTIVE="8", MAX_WAITING="4", LOG_LEVEL="warning"
    )
    try:
        until(lambda: service.answers("/readyz"))
        yield service
    finally:
        service.end()


@pytest.fixture(scope="session")
def admin_key() -> str:
    return ADMIN_KEY
