"""Real processes, in the order in which a service's start each other, that are suspended and go on."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.suspension import Suspension
from tests.waiting import until

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="states are in Linux's /proc")

TREE = "(sleep 60 & sleep 60 & wait) & sleep 60 & wait"
"""A supervisor with the master of two web processes, and with a worker."""


class Tree:
    """The process ids of a tree of processes; `suspend` and `go_on` return once that has happened."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(["sh", "-c", TREE], start_new_session=True)
        self.supervisor = self._process.pid
        until(lambda: len(children(self.supervisor)) == 2)
        self.master, self.worker = sorted(children(self.supervisor), key=lambda pid: not children_soon(pid))
        self.web = children(self.master)

    def suspend(self, pid: int) -> None:
        os.kill(pid, signal.SIGSTOP)
        until(lambda: state(pid) == "T")

    def go_on(self, pid: int) -> None:
        os.kill(pid, signal.SIGCONT)
        until(lambda: state(pid) != "T")

    def end(self) -> None:
        os.killpg(self.supervisor, signal.SIGKILL)
        self._process.wait()


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def children_soon(pid: int) -> list[int]:
    """Of the shell the two that it starts; of anything else none."""
    until(lambda: len(children(pid)) == 2 or b"60" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"))
    return children(pid)


@pytest.fixture
def tree() -> Iterator[Tree]:
    begun = Tree()
    yield begun
    begun.end()


def test_each_process_is_named_as_long_as_it_is_suspended(tree: Tree) -> None:
    named = {"supervisor": tree.supervisor, "worker": tree.worker, "web": tree.master}
    suspension = Suspension(tree.master, lambda: named)
    assert list(suspension.found()) == []
    for pid, sentence in {
        tree.supervisor: "supervisor: it is suspended",
        tree.worker: "worker: it is suspended",
        tree.master: "web: the master process is suspended",
        tree.web[0]: "web: 1 process is suspended",
    }.items():
        tree.suspend(pid)
        assert list(suspension.found()) == [sentence]
        tree.go_on(pid)
        assert list(suspension.found()) == []
    for pid in tree.web:
        tree.suspend(pid)
    assert list(suspension.found()) == ["web: 2 processes are suspended"]


def test_what_another_supervisor_has_said_is_not_believed(tree: Tree) -> None:
    tree.suspend(tree.worker)
    for named in ({"supervisor": os.getpid(), "worker": tree.worker}, {"worker": tree.worker}, {}):
        assert list(Suspension(tree.master, lambda named=named: named).found()) == []  # type: ignore[misc]
    tree.go_on(tree.worker)
    tree.suspend(tree.web[0])
    named = {"supervisor": tree.supervisor, "worker": tree.web[0]}
    assert list(Suspension(tree.master, lambda: named).found()) == ["web: 1 process is suspended"], "a child of another"


def test_without_a_master_there_is_nothing_to_find() -> None:
    assert list(Suspension(0, lambda: {"supervisor": os.getpid()}).found()) == []
