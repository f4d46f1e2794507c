"""A process may open no further file or connection, as when it has as many as the system allows."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from random import Random
from typing import Final

from tests.faults.disk_faults import WRITING
from tests.faults.fault import Fault
from tests.faults.process_faults import NAMES
from tests.faults.site import Site

SECONDS: Final = 5.0
READING: Final = frozenset({"generate", "continue", "stream", "job"})


@contextmanager
def _no_descriptors(kind: str, site: Site, random: Random) -> Iterator[None]:
    """What is open stays open."""
    pid = site.pid(kind, random)
    _, most = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE, (len(list(Path(f"/proc/{pid}/fd").iterdir())), most))
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


def of_resources() -> list[Fault[Site]]:
    """For each process whose work needs files."""
    return [
        Fault(
            f"no descriptors left in {NAMES[kind]}",
            "resources",
            partial(_no_descriptors, kind),
            SECONDS,
            breaks=kind == "web",
            refuses=WRITING | READING if kind == "web" else frozenset(),
        )
        for kind in ("web", "master", "worker", "redis", "supervisor")
    ]
