from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from charrnn.cores import cpu_quota, usable_cores


def quota(tmp_path: Path, membership: str, files: dict[str, str]) -> int | None:
    root, seen = tmp_path / "cgroup", tmp_path / "membership"
    seen.write_text(membership)
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return cpu_quota(root, seen)


@pytest.mark.parametrize(
    ("maximum", "cores"),
    [("200000 100000", 2), ("150000 100000", 2), ("50000 100000", 1), ("max 100000", None), ("", None), ("1 0", None)],
)
def test_the_second_version(tmp_path: Path, maximum: str, cores: int | None) -> None:
    assert quota(tmp_path, "0::/\n", {"cpu.max": maximum}) == cores


def test_the_narrowest_of_nested_groups_counts(tmp_path: Path) -> None:
    files = {"a/cpu.max": "300000 100000", "a/b/cpu.max": "max 100000", "cpu.max": "800000 100000"}
    assert quota(tmp_path, "0::/a/b\n", files) == 3


@pytest.mark.parametrize("folder", ["cpu,cpuacct", "cpu"])
@pytest.mark.parametrize(("microseconds", "cores"), [("250000", 3), ("-1", None)])
def test_the_first_version(tmp_path: Path, folder: str, microseconds: str, cores: int | None) -> None:
    files = {f"{folder}/cpu.cfs_quota_us": microseconds, f"{folder}/cpu.cfs_period_us": "100000\n"}
    # A container sees its own group as the root, whatever path its membership tells.
    assert quota(tmp_path, "4:cpu,cpuacct:/docker/0123\n3:cpuset:/\n", files) == cores


def test_where_there_are_no_groups(tmp_path: Path) -> None:
    assert cpu_quota(tmp_path, tmp_path / "none") is None


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity")
def test_affinity_counts() -> None:
    program = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})"
    program += "; from charrnn.cores import usable_cores; print(usable_cores())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"
    assert 1 <= usable_cores() <= len(os.sched_getaffinity(0))
