"""What every test of training needs."""

import pytest


@pytest.fixture(autouse=True)
def alone(one_thread: None) -> None:
    """On one thread, all of them."""
