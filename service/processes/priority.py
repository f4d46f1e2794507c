"""The priority of training: below that of requests, from the start of its process on."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

NICENESS: Final = 10


def lowered(command: Sequence[str]) -> tuple[str, ...]:
    """The command with a lower priority: a worker loads torch while the web processes begin to answer."""
    return ("nice", "-n", str(NICENESS), *command)


def lower() -> None:
    """Lower the priority of this process, if it is not yet lowered."""
    os.setpriority(os.PRIO_PROCESS, 0, max(NICENESS, os.getpriority(os.PRIO_PROCESS, 0)))
