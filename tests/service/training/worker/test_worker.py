from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from service.training.errors import JobNotFoundError, QueueDownError
from service.training.queue.heartbeats import Heartbeat, WorkerRegistry
from service.training.worker.worker import Worker
from tests.waiting import LONGEST


class MemoryQueue:
    """A queue that can be down, and what was submitted to it."""

    address = "queue:6379"

    def __init__(self) -> None:
        self.up = True
        self.submitted: list[str] = []

    def fault(self) -> str:
        return "" if self.up else "Redis is not available"

    def submit(self, job: str) -> None:
        if not self.up:
            raise QueueDownError("down")
        self.submitted.append(job)


class Parts:
    """A worker with stand-ins for all that it works with; `run_job` is what the queue calls."""

    def __init__(self, root: Path) -> None:
        self.queue = MemoryQueue()
        self.outcome: Any = "ended"
        self.ran: list[str] = []
        self.started, self.stopped, self.reconciled = Event(), Event(), Event()
        self.run_job: Callable[[str], None]
        parts: Any = self
        self.worker = Worker(parts, parts.queue, self.consume, parts, Heartbeat(root))

    def consume(self, handle: Callable[[str], None]) -> Any:
        self.run_job = handle
        return self

    def start(self) -> None:
        self.started.set()

    def stop(self, timeout: float) -> None:
        self.stopped.set()

    def look(self) -> None:
        self.reconciled.set()
        raise OSError(5, "Input/output error")

    def run(self, job: str, stop: Event) -> Any:
        self.ran.append(job)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return Parts(tmp_path)


def test_it_works_until_it_is_stopped_whatever_the_disk_says(parts: Parts, tmp_path: Path) -> None:
    thread = Thread(target=parts.worker.run)
    thread.start()
    assert parts.reconciled.wait(LONGEST)
    assert parts.started.is_set()
    assert WorkerRegistry(tmp_path).any_alive()
    parts.worker.stop()
    thread.join(LONGEST)
    assert parts.stopped.is_set()
    assert not WorkerRegistry(tmp_path).any_alive()


def test_it_takes_no_jobs_before_the_queue_answers(parts: Parts) -> None:
    parts.queue.up = False
    thread = Thread(target=parts.worker.run)
    thread.start()
    parts.worker.stop()
    thread.join(LONGEST)
    assert not parts.started.is_set()


@pytest.mark.parametrize(
    ("outcome", "submitted"),
    [
        ("ended", []),
        ("not mine", []),
        ("handed over", ["a job"]),
        (JobNotFoundError("none"), []),
        (ZeroDivisionError(), []),
    ],
)
def test_a_job_that_is_handed_over_is_submitted_again(parts: Parts, outcome: Any, submitted: list[str]) -> None:
    parts.outcome = outcome
    parts.run_job("a job")
    assert (parts.ran, parts.queue.submitted) == (["a job"], submitted)
    parts.queue.up = False
    parts.run_job("a job")
    assert parts.queue.submitted == submitted
