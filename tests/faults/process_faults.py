"""Processes that are killed, or suspended for a while."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from random import Random
from typing import Final

from tests.faults.fault import Fault
from tests.faults.site import Site

NAMES: Final = {
    "web": "a web process",
    "master": "the master of the web processes",
    "worker": "the worker",
    "redis": "the embedded Redis",
    "supervisor": "the supervisor",
}
SUSPENDED_SECONDS: Final = (3.0, 10.0, 40.0)
SEEN_SECONDS: Final = 10.0
"""A Redis that is suspended for at least as long must be missed by `/readyz`."""
DEGRADED: Final = {
    "web": "web: 1 process is suspended",
    "master": "web: the master process is suspended",
    "worker": "worker: it is suspended",
    "redis": "redis: it is suspended",
    "supervisor": "supervisor: it is suspended",
}


@contextmanager
def _kill(kind: str, site: Site, random: Random) -> Iterator[None]:
    os.kill(site.pid(kind, random), signal.SIGKILL)
    yield


@contextmanager
def _suspend(kind: str, site: Site, random: Random) -> Iterator[None]:
    pid = site.pid(kind, random)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def kills() -> list[Fault[Site]]:
    """One of each process."""
    return [
        Fault(
            f"SIGKILL to {name}",
            "killed",
            partial(_kill, kind),
            breaks=kind in ("web", "master", "supervisor"),
            ends=kind == "supervisor",
        )
        for kind, name in NAMES.items()
    ]


def suspensions(lengths: tuple[float, ...] = SUSPENDED_SECONDS) -> list[Fault[Site]]:
    """One of each process and length."""
    return [
        Fault(
            f"SIGSTOP to {name} for {seconds:g} s",
            "suspended",
            partial(_suspend, kind),
            seconds,
            degraded=DEGRADED[kind],
        )
        for kind, name in NAMES.items()
        for seconds in lengths
    ]
