"""The registry of faults: which of them a service is put through in each setting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.faults.clock_faults import ClockSite, can_step, of_clock
from tests.faults.disk_faults import DiskSite, can_mount, of_disk
from tests.faults.fault import Fault
from tests.faults.file_faults import of_files
from tests.faults.laws import AGAIN_SECONDS
from tests.faults.log_faults import PipedSite, of_log
from tests.faults.pattern_faults import of_patterns
from tests.faults.process_faults import kills, suspensions
from tests.faults.redis_faults import ExternalSite, of_embedded, of_external
from tests.faults.resource_faults import of_resources
from tests.faults.site import Site
from tests.faults.store_faults import StoreSite, can_serve, of_store
from tests.waiting import LONGEST


@dataclass(frozen=True)
class Setting:
    """A service of some kind, and the faults that it is put through, each `times` times, while networks are trained
    with `steps` and each client waits for `pause` seconds between two texts. After each it must generate again `within`
    so many seconds. It is left out unless `possible`."""

    title: str
    site: Callable[[Path], Site]
    faults: list[Fault[Any]]
    times: int = 1
    steps: tuple[int, ...] = (40, 400)
    pause: float = 0.1
    within: float = AGAIN_SECONDS
    possible: Callable[[], bool] = lambda: True


SETTINGS: Final = {
    "suspended": Setting("Processes suspended", Site, [*suspensions(), of_patterns()[1]]),
    "redis": Setting("Redis", ExternalSite, of_external()),
    "files": Setting("Files", Site, of_files(), 3, steps=(40, 600)),
    "log": Setting("The log", PipedSite, of_log()),
    "killed": Setting("Processes killed", Site, [*kills(), of_patterns()[0]], 3),
    "resources": Setting("Descriptors", Site, of_resources(), 2, steps=(40, 600)),
    "disk": Setting("The disk", DiskSite, of_disk(), possible=can_mount),
    "embedded-redis": Setting("The embedded Redis", Site, of_embedded(), 2),
    "store": Setting("The object store", StoreSite, of_store(), possible=can_serve),
    "clock": Setting("The clock", ClockSite, of_clock(), 2, possible=can_step),
}
"""The longest first: several run at a time."""

SPARING: Final = 0.5
BRIEFLY: Final = 1.0


def short() -> Setting:
    """Some of most groups, for `make test`: those that pass soonest, in one service, while other tests have most of the
    machine, so that how soon it generates again says little of the service. One death of the worker: after another,
    `/readyz` names it for half a minute."""
    web, worker = kills()[0], of_files()[2]
    faults: list[Fault[Any]] = [web, worker, suspensions((BRIEFLY,))[2], of_embedded()[0]]
    if can_mount():
        faults.append(of_disk((BRIEFLY,))[2])
    site = DiskSite if can_mount() else Site
    return Setting("Some of each", site, faults, steps=(40,), pause=SPARING, within=LONGEST)
