"""Runs the cases of a target, each with random numbers of its own, in a process that may die; knows no target."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

ROOT: Final = Path(__file__).parents[2]

Case = Callable[[Random], str]
"""Tries one thing and returns in a few words what came of it. What it raises is a finding."""

Target = Callable[[], AbstractContextManager[Case]]
"""What the cases share: files, an application, a service."""


@dataclass
class Tally:
    """How often the cases ended in each way, and what should not have happened."""

    counts: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        shown = ", ".join(f"{count:,} {outcome}" for outcome, count in self.counts.most_common())
        return f"{self.counts.total():,} cases: {shown}; {len(self.findings)} findings"


def random_of(seed: int, name: str, index: int) -> Random:
    """The random numbers of a case, whichever others are tried."""
    return Random(f"{seed}/{name}/{index}")


def tried(target: Target, seed: int, name: str, indices: Iterable[int]) -> Iterator[tuple[int, str, str]]:
    """Each case's number, what came of it, and what was found, if anything."""
    with target() as case:
        for index in indices:
            try:
                yield index, case(random_of(seed, name, index)), ""
            except Exception as error:
                yield index, "found", " ".join(f"{type(error).__name__}: {error}".split())[:1000]


def tally(target: Target, seed: int, name: str, indices: Iterable[int]) -> Tally:
    """The cases, in this process."""
    found = Tally()
    for index, outcome, fault in tried(target, seed, name, indices):
        _count(found, name, index, outcome, fault)
    return found


def tally_apart(name: str, seed: int, first: int, stop: int) -> Tally:
    """The cases in a process of their own; if that dies of one, the others are tried in a new one."""
    found = Tally()
    while first < stop:
        command = [sys.executable, "-m", "tests.fuzz.apart", name, *map(str, (seed, first, stop))]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            for line in child.stdout:
                index, outcome, fault = line.rstrip("\n").split("\t")
                _count(found, name, int(index), outcome, fault)
                first = int(index) + 1
        if child.returncode:
            _count(found, name, first, "ended the process", f"exit status {child.returncode}")
            first += 1
    return found


def _count(found: Tally, name: str, index: int, outcome: str, fault: str) -> None:
    found.counts[outcome] += 1
    if fault:
        found.findings.append(f"{name} {index}: {fault}")
