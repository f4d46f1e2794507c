"""The seed of a run."""

from __future__ import annotations

import os
import secrets

import pytest


@pytest.fixture(scope="session")
def seed() -> str:
    """FAULTS_SEED, or a new one; it is in every message and in the table."""
    return os.environ.get("FAULTS_SEED") or secrets.token_hex(4)
