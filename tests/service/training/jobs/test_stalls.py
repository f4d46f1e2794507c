from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from service.training.jobs import stalls
from service.training.jobs.job import Job
from service.training.jobs.store import JobStore
from tests.damage import DAMAGES
from tests.disk import mounted


def test_a_job_says_that_it_waits_and_no_longer_when_it_goes_on(new_job: Callable[..., Job], jobs: JobStore) -> None:
    job = new_job()
    folder = jobs.folder(job.id)
    assert (job.warnings, list(jobs.stalled())) == ((), [])
    stalls.begin(folder)
    os.utime(folder / stalls.FILE, (60, 60))
    stalls.begin(folder)
    (warning,) = jobs.get(job.id).warnings
    assert warning.startswith("disk full since 1970-01-01T00:01:00")
    assert list(jobs.stalled()) == [(job.id, warning)]
    jobs.cancel(job.id)
    assert (jobs.get(job.id).warnings, list(jobs.stalled())) == ((), []), "it has ended"
    stalls.end(folder)
    assert stalls.warnings(folder) == ()


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_file_that_is_damaged_says_nothing_of_a_disk(
    new_job: Callable[..., Job], jobs: JobStore, damage: str
) -> None:
    folder = jobs.folder(new_job().id)
    DAMAGES[damage](folder / stalls.FILE)
    stalls.end(folder)
    assert stalls.warnings(folder) == ()


def test_it_is_said_on_a_disk_without_any_space(new_job: Callable[..., Job], jobs: JobStore, tmp_path: Path) -> None:
    folder, disk = jobs.folder(new_job().id), tmp_path / "disk"
    disk.mkdir()
    with mounted(disk, "size=64k") as remount:
        shutil.copytree(folder, disk / "run")
        stalls.end(disk / "run")
        with pytest.raises(OSError, match="No space"):
            (disk / "large").write_bytes(bytes(1 << 20))
        stalls.begin(disk / "run")
        assert stalls.warnings(disk / "run")[0].startswith("disk full since")
        stalls.end(disk / "run")
        assert stalls.warnings(disk / "run") == ()
        remount("ro")
        assert stalls.warnings(disk / "run")[0].startswith("disk read-only")
