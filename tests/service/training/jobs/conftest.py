"""Both stores of jobs: what holds for one holds for the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from durable.directory_objects import DirectoryObjects
from service.training.jobs.shared import SharedJobStore
from service.training.jobs.store import JobStore


@pytest.fixture(params=["directory", "objects"])
def jobs(request: pytest.FixtureRequest, tmp_path: Path) -> JobStore:
    runs = tmp_path / "runs"
    return JobStore(runs) if request.param == "directory" else SharedJobStore(runs, DirectoryObjects(tmp_path / "far"))
