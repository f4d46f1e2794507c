"""What tests of several folders ask for, and what is said at their end."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.browser.program import NAMES, PROGRAM

# How long an example takes says how busy the machine is, and nothing of the code.
settings.register_profile("here", deadline=None)
settings.load_profile("here")


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Torch on one thread: networks as small as the tests' only wait for each other's threads, on a busy machine for
    very long."""
    # Imported when it is wanted: torch is large, and most tests have no use for it.
    with importlib.import_module("charrnn.torch_threads").one_thread():
        yield


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if PROGRAM is None:
        terminalreporter.section("the browser tests were left out", yellow=True)
        terminalreporter.write_line(
            f"There is no browser: none of {', '.join(NAMES)} was found (Debian, Ubuntu: apt-get install chromium);"
            " CHROMIUM=/path/to/it names another one."
        )
