"""The registry of faults: which of them a service is put through in each setting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.faults.fault import Fault
from tests.faults.process_faults import kills, suspensions
from tests.faults.redis_faults import ExternalSite, of_embedded, of_external
from tests.faults.site import Site


@dataclass(frozen=True)
class Setting:
    """A service of some kind, and the faults that it is put through, each `times` times."""

    title: str
    site: Callable[[Path], Site]
    faults: list[Fault[Any]]
    times: int = 1


SETTINGS: Final = {
    "killed": Setting("Processes killed", Site, kills(), 3),
    "suspended": Setting("Processes suspended", Site, suspensions()),
    "redis": Setting("Redis", ExternalSite, of_external()),
    "embedded-redis": Setting("The embedded Redis", Site, of_embedded(), 2),
}

SHORT: Final = Setting("A minute of each", Site, [*kills(), *suspensions((3.0,))[2:3]])
"""One of each group, for `make test`."""
