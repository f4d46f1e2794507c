from __future__ import annotations

import os
import time
from pathlib import Path

from service.training.census import WORKERS, Census, Heartbeat
from service.training.jobs import JobStore
from service.training.requests import JobRequest


def test_a_worker_is_seen_while_it_lives(tmp_path: Path) -> None:
    now = [time.time()]
    census = Census(tmp_path, lambda: now[0])
    assert not census.worker_is_alive()
    worker = Heartbeat(tmp_path)
    worker.begin()
    assert census.worker_is_alive()
    (name,) = census.heartbeats()
    assert name.endswith(f"-{os.getpid()}")
    now[0] += 60
    assert not census.worker_is_alive()
    assert list(census.heartbeats()) == [name], "one that was killed is still told of"
    worker.end()
    assert census.heartbeats() == {}


def test_what_workers_left_that_were_killed_is_cleared_away(tmp_path: Path) -> None:
    Heartbeat(tmp_path).beat()
    left = tmp_path / WORKERS / "host-1"
    left.touch()
    os.utime(left, (1.0, 1.0))
    assert "host-1" not in Census(tmp_path).heartbeats()
    Heartbeat(tmp_path).begin()
    assert not left.exists()


def test_jobs_are_counted_by_what_became_of_them(tmp_path: Path) -> None:
    jobs, census = JobStore(tmp_path), Census(tmp_path)
    assert census.jobs_by_status() == {}
    made = [jobs.create(JobRequest("corpus", "model")).id for _ in range(3)]
    assert census.jobs_by_status() == {"queued": 3}
    for job in made[:2]:
        jobs.cancel(job)
    assert census.jobs_by_status() == census.jobs_by_status() == {"queued": 1, "cancelled": 2}
    Heartbeat(tmp_path).beat()
    assert sum(census.jobs_by_status().values()) == 3
