"""The processes that compile patterns, killed or suspended: new patterns are compiled all the same."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from random import Random
from typing import Final

from tests.faults.fault import Fault
from tests.faults.site import WEB_PROCESSES, Site

ASKED: Final = 8
SOON_SECONDS: Final = 20.0
"""For a text that fits a new pattern, on a busy machine."""


@contextmanager
def _signalled(number: signal.Signals, site: Site, random: Random) -> Iterator[list[str]]:
    """The signal is sent to the process of each web process."""
    broken: list[str] = []
    while len(site.pids("compiler")) < WEB_PROCESSES:
        _ask(site, random, broken)
    for pid in site.pids("compiler"):
        os.kill(pid, number)
    for _ in range(ASKED):
        _ask(site, random, broken)
    yield broken


def _ask(site: Site, random: Random, broken: list[str]) -> None:
    """Note what is wrong with a text that has to fit a pattern that was never asked for, over a new connection, which
    any web process may take."""
    pattern, began = f"[a-z]{{3,9}}( [a-z]{{1,{random.randrange(2, 9999)}}})?", time.monotonic()
    text = site.client().generate("ROMEO:", 20, regex=pattern, cache=False).text
    if not re.fullmatch(pattern, text):
        broken.append(f"{text!r} does not fit {pattern}")
    if (seconds := time.monotonic() - began) > SOON_SECONDS:
        broken.append(f"a text that fits {pattern} took {seconds:.0f} s")


def of_patterns() -> list[Fault[Site]]:
    """Both."""
    return [
        Fault(f"{number.name} to the processes that compile patterns", group, partial(_signalled, number))
        for number, group in ((signal.SIGKILL, "killed"), (signal.SIGSTOP, "suspended"))
    ]
