"""What tests of several folders ask for, in which order they run, and what is reported at their end."""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests import laws, reaper
from tests.browser.program import NAMES, PROGRAM
from tests.object_server import ObjectServer
from tests.ports import free_port
from tests.service.redis_server import WatchedRedis

laws.load()


ASKING = {
    f"tests/system/test_{name}.py"
    for name in ("client", "commands", "connections", "hostile_requests", "openai", "sockets")
}
"""The files whose tests only ask one service."""

LONG = ("faults", "scale")
"""The markers of tests that are left out unless these are asked for."""


def scope(nodeid: str) -> str:
    """A file's tests run in one process, and so do those that share a browser or a service, which is then started
    once. Each of tests/faults has a service of its own and mostly waits."""
    path = nodeid.partition("::")[0]
    if path.startswith("tests/faults/"):
        return nodeid
    return "asking" if path in ASKING else "browser" if path.startswith("tests/browser/") else path


class Scheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """By `scope`."""

    def _split_scope(self, nodeid: str) -> str:
        return scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    config.option.loadscopereorder = False  # as pytest_collection_modifyitems has them, not by their number
    return Scheduling(config, log)


def pytest_configure(config: pytest.Config) -> None:
    """Torch on one thread, here and in all processes that tests start: networks as small as the tests' only wait for
    each other's threads, on a busy machine for very long. A test that needs more sets their number. And none of these
    processes outlives this one, even if that is killed."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if sys.platform == "linux":
        config.add_cleanup(reaper.watch())


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is imported and collected stays until the end: to look through it for garbage again and again, first while
    there is more and more of it and then while tests run, takes a third of the one and a tenth of the other."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without the long ones, unless they are asked for. Those that wait for processes are spread over the first half of
    the others: there is always something to compute meanwhile, and nothing to wait for at the end."""
    asked = config.option.markexpr
    long = [item for item in items if any(item.get_closest_marker(each) and each not in asked for each in LONG)]
    config.hook.pytest_deselected(items=long)
    items[:] = [item for item in items if item not in long]
    waits = {scope(item.nodeid): item.get_closest_marker("system") is not None for item in items}
    place: dict[str, float] = {}
    for waiting, share in ((True, 0.5), (False, 1.0)):
        scopes = [each for each, its in waits.items() if its is waiting]
        place |= {each: share * at / len(scopes) for at, each in enumerate(scopes)}
    items.sort(key=lambda item: place[scope(item.nodeid)])


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Torch on one thread at first, and afterwards on as many as before, whatever the test sets."""
    # Imported when it is wanted: torch is large, and most tests have no use for it.
    with importlib.import_module("charrnn.torch_threads").one_thread():
        yield


@pytest.fixture(scope="session")
def object_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectServer]:
    """A real S3-compatible server for all tests of this process; a test uses a prefix of its own, and leaves it
    running."""
    server = ObjectServer(tmp_path_factory.mktemp("objects"))
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[WatchedRedis]:
    """A Redis with a replica and a Sentinel, and the password `secret`."""
    servers = WatchedRedis(tmp_path, [free_port() for _ in range(3)], "secret")
    yield servers
    servers.end()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if PROGRAM is None:
        terminalreporter.section("the browser tests were left out", yellow=True)
        terminalreporter.write_line(
            f"There is no browser: none of {', '.join(NAMES)} was found (Debian: apt-get install {NAMES[0]});"
            " CHROMIUM=/path/to/it names another one."
        )
