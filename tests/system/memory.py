"""What the processes of a service hold in memory and have computed, read from /proc while something happens."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MIB = 1 << 20
PERIOD_SECONDS = 0.1


def descendants(pid: int) -> list[int]:
    """The process and all its children's children."""
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                found += map(int, task.read_text().split())
            except OSError:
                continue
    return found


def processor_seconds(pid: int) -> float:
    """How long a process has computed; 0 if it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def held(pid: int) -> int:
    """The memory of a process in bytes that is no file's: its share of anonymous pages and of shared memory (`Pss_Anon`
    and `Pss_Shmem`). Files that it has mapped or read are in the page cache, which the system takes back when it needs
    memory. 0 if the process has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith(("Pss_Anon:", "Pss_Shmem:"))) * 1024


def role(pid: int) -> str:
    """What a process of the service is, as its command line shows."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().replace("\0", " ")
    except OSError:
        return "ended"
    names = {"gunicorn": "web", "processes.worker": "worker", "redis": "Redis", "valkey": "Redis"}
    return next((name for part, name in names.items() if part in words), "others")


def by_role(pid: int) -> dict[str, int]:
    """The memory of a service's processes in bytes, by what they are; several of one kind together."""
    found: dict[str, int] = {}
    for each in descendants(pid):
        found[role(each)] = found.get(role(each), 0) + held(each)
    return found


class Peak:
    """The most that each kind of process has held."""

    def __init__(self, before: dict[str, int]) -> None:
        self.before, self.highest = before, dict(before)

    def add(self, now: dict[str, int]) -> None:
        for name, size in now.items():
            self.highest[name] = max(size, self.highest.get(name, 0))


@contextmanager
def watched(pid: int) -> Iterator[Peak]:
    """Look at the memory of a service's processes several times a second."""
    peak, over = Peak(by_role(pid)), threading.Event()

    def look() -> None:
        while not over.wait(PERIOD_SECONDS):
            peak.add(by_role(pid))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield peak
    finally:
        over.set()
        thread.join()
