"""How many processor cores this process may use."""

from __future__ import annotations

import math
import os
from pathlib import Path, PurePosixPath
from typing import Final

CGROUPS: Final = Path("/sys/fs/cgroup")
MEMBERSHIP: Final = Path("/proc/self/cgroup")


def usable_cores() -> int:
    """The number of cores in this process's affinity mask or, if less, the CPU quota of its control group in cores,
    rounded up; at least 1."""
    return max(1, min(_schedulable(), cpu_quota() or _schedulable()))


def cpu_quota(root: Path = CGROUPS, membership: Path = MEMBERSHIP) -> int | None:
    """The cores that the control groups of this process, the nested ones included, allow, rounded up; None: no limit.

    Both versions of control groups are understood: `cpu.max` of the second, `cpu.cfs_quota_us` of the first.
    """
    shares = [share for folder in _groups(root, membership) if (share := _share(folder)) is not None]
    return max(1, math.ceil(min(shares))) if shares else None


def _schedulable() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _groups(root: Path, membership: Path) -> list[Path]:
    """The folders of this process's control groups, up to the root that is visible to it, which in a container is the
    container's own."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return []
    folders = []
    for number, controllers, path in (line.split(":", 2) for line in lines if line.count(":") >= 2):
        if number == "0":
            bases = [root, root / "unified"]
        elif "cpu" in controllers.split(","):
            bases = [root / controllers, root / "cpu"]
        else:
            continue
        nested = PurePosixPath(path.lstrip("/"))
        folders += [base / each for base in bases for each in (nested, *nested.parents)]
    return folders


def _share(group: Path) -> float | None:
    """Seconds of processor time that the group may use in a second."""
    try:
        if (group / "cpu.max").exists():
            quota, period = (group / "cpu.max").read_text().split()
        else:
            quota = (group / "cpu.cfs_quota_us").read_text()
            period = (group / "cpu.cfs_period_us").read_text()
        return float(quota) / float(period) if quota != "max" and float(quota) > 0 else None
    except (OSError, ValueError, ZeroDivisionError):
        return None
