"""The processes of a running service, by what they do."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

KINDS: Final = {
    "web": r"service\.processes\.gunicorn_config",
    "worker": r"service\.processes\.worker",
    "redis": r"(valkey|redis)-server",
    "compiler": r"charrnn\.patterns",
}
"""What the command lines of the programs and their children contain."""


@dataclass(frozen=True)
class Process:
    """One line of ps."""

    pid: int
    parent: int
    state: str
    command: str


def descendants(pid: int) -> list[Process]:
    """The processes that a process started, those that they started, and so on; without those that have ended."""
    every, found = listed(), [pid]
    for each in found:
        found += [child.pid for child in every if child.parent == each]
    return [each for each in every if each.pid in found[1:]]


def listed() -> list[Process]:
    """All processes that live."""
    lines = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,ppid=,stat=,args="], capture_output=True, text=True, check=True
    )
    fields = [line.split(None, 3) for line in lines.stdout.splitlines()]
    every = [Process(int(each[0]), int(each[1]), each[2], each[3] if len(each) > 3 else "") for each in fields]
    return [each for each in every if not each.state.startswith("Z")]


def programs(every: Iterable[Process], kind: str) -> list[Process]:
    """Those of a kind that no other of the kind started: the master of the web processes, not these."""
    alike = [each for each in every if re.search(KINDS[kind], each.command)]
    pids = {each.pid for each in alike}
    return [each for each in alike if each.parent not in pids]
