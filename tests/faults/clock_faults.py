"""The clock is stepped, both ways: for all processes of a service, and the times of files with it (`clock.c`)."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final

from tests.faults.fault import Fault
from tests.faults.site import Site

SOURCE: Final = Path(__file__).with_name("clock.c")
STEP: Final = struct.Struct("qq")
MOST_STEPS: Final = 256
STEPS: Final = {"30 s": 30, "an hour": 3600, "400 days": 400 * 24 * 3600}


class ClockSite(Site):
    """A service whose processes see a clock that can be stepped."""

    def __init__(self, folder: Path) -> None:
        library, self._steps = folder / "clock.so", folder / "steps"
        command = ["cc", "-O1", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"]
        subprocess.run(command, check=True, capture_output=True)
        self._steps.write_bytes(bytes(STEP.size * MOST_STEPS))
        self._offset, self._taken = 0, 0
        super().__init__(folder, LD_PRELOAD=str(library), FAULTS_CLOCK=str(self._steps))

    def step_clock(self, seconds: int) -> None:
        """Step it, by a negative number backwards."""
        self._offset += seconds * 10**9
        record = STEP.pack(time.time_ns(), self._offset)
        with self._steps.open("r+b") as file:
            os.pwrite(file.fileno(), record[8:], self._taken * STEP.size + 8)  # the moment last: it makes it count
            os.pwrite(file.fileno(), record[:8], self._taken * STEP.size)
        self._taken += 1


def can_step() -> bool:
    """Whether there is a compiler for the library."""
    return shutil.which("cc") is not None


@contextmanager
def _stepped(seconds: int, site: ClockSite, random: Random) -> Iterator[None]:
    site.step_clock(seconds)
    yield


def of_clock(steps: Mapping[str, int] = STEPS) -> list[Fault[Any]]:
    """One of each length and direction. The clock stays as it is then."""
    return [
        Fault(f"the clock {name} {way}", "clock", partial(_stepped, sign * seconds))
        for name, seconds in steps.items()
        for way, sign in (("ahead", 1), ("back", -1))
    ]
