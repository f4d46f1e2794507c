"""Processes that were left behind are waited for, and killed if they do not end; with real processes."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from service.processes.orphans import Orphans
from tests.waiting import LONGEST

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent died")

MARKED = """
import pathlib, signal, sys, time
from service.processes.orphans import mark
mark(pathlib.Path(sys.argv[1]))
{and_then}
print(flush=True)
time.sleep(60)
"""
IGNORES = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"

Start = Callable[[str], "subprocess.Popen[bytes]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[subprocess.Popen[bytes]] = []

    def start(and_then: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", MARKED.format(and_then=and_then), str(tmp_path)]
        started.append(process := subprocess.Popen(command, stdout=subprocess.PIPE))
        assert process.stdout is not None
        process.stdout.readline()
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def never() -> bool:
    return False


def test_without_any_nothing_is_waited_for(tmp_path: Path) -> None:
    orphans = Orphans(tmp_path)
    assert not orphans
    orphans.make_way(never)


def test_one_that_ends_makes_way(start: Start, tmp_path: Path) -> None:
    process = start("")
    orphans = Orphans(tmp_path)
    assert orphans
    process.terminate()
    orphans.make_way(never)
    assert process.wait() == -signal.SIGTERM
    assert not orphans


def test_one_that_has_made_way_may_end_later_but_not_too_late(start: Start, tmp_path: Path) -> None:
    process = start(IGNORES)
    process.terminate()
    began = time.monotonic()
    orphans = Orphans(tmp_path)
    orphans.make_way(lambda: time.monotonic() - began > 0.1, patience=3.0)
    assert process.poll() is None
    assert process.wait(LONGEST) == -signal.SIGKILL


def test_one_that_does_not_make_way_is_killed(start: Start, tmp_path: Path) -> None:
    process = start(IGNORES)
    Orphans(tmp_path).make_way(never, patience=0.1)
    assert process.wait(LONGEST) == -signal.SIGKILL


def test_a_child_of_it_counts(start: Start, tmp_path: Path) -> None:
    process = start("import os; os.fork()")
    process.kill()
    process.wait()
    orphans = Orphans(tmp_path)
    assert orphans
    orphans.make_way(never, patience=0.0)


def test_what_is_in_the_place_of_the_mark_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "processes.lock").mkdir()
    assert not Orphans(tmp_path)
    assert [path.name[:15] for path in tmp_path.iterdir()] == [".damaged-proces"]
