import os
from collections.abc import Callable

import pytest

from service.training.errors import QueueDownError
from service.training.jobs.job import Job
from service.training.jobs.lease import Lease
from service.training.jobs.store import JobStore
from service.training.queue.job_queue import JobQueue
from service.training.queue.reconciler import Reconciler

NewJob = Callable[..., Job]


class MemoryQueue(JobQueue):
    """A queue in memory, whose time is set by hand."""

    def __init__(self) -> None:
        super().__init__("")
        self.jobs: list[str] = []
        self.down = False
        self.time = 0.0

    def submit(self, job: str) -> None:
        self._check()
        self.jobs.append(job)

    def waiting(self) -> set[str]:
        self._check()
        return set(self.jobs)

    def _check(self) -> None:
        if self.down:
            raise QueueDownError("the queue is down")


@pytest.fixture
def queue() -> MemoryQueue:
    return MemoryQueue()


@pytest.fixture
def reconciler(jobs: JobStore, queue: MemoryQueue) -> Reconciler:
    return Reconciler(jobs, queue, grace=5, clock=lambda: queue.time)


def test_what_the_queue_forgot_is_handed_in_again(reconciler: Reconciler, queue: MemoryQueue, new_job: NewJob) -> None:
    first, second = new_job(), new_job()
    assert reconciler.look() == []
    queue.time = 4.9
    assert reconciler.look() == []
    queue.time = 5
    assert reconciler.look() == [first.id, second.id]
    queue.time = 60
    assert reconciler.look() == []
    assert queue.jobs == [first.id, second.id]


def test_a_job_missed_again_later_gets_its_full_time(
    reconciler: Reconciler, queue: MemoryQueue, new_job: NewJob
) -> None:
    job = new_job()
    reconciler.look()
    queue.jobs = [job.id]
    queue.time = 4
    reconciler.look()
    queue.jobs = []
    queue.time = 6
    assert reconciler.look() == []
    queue.time = 11
    assert reconciler.look() == [job.id]


def test_a_job_at_work_or_ended_is_not_missed(
    reconciler: Reconciler, queue: MemoryQueue, jobs: JobStore, new_job: NewJob
) -> None:
    working, ended = new_job(), new_job()
    jobs.cancel(ended.id)
    with Lease.take(jobs.folder(working.id)):
        reconciler.look()
        queue.time = 60
        assert reconciler.look() == []
    reconciler.look()
    queue.time = 66
    assert reconciler.look() == [working.id]


def test_a_job_whose_worker_has_died_is_submitted_once_when_its_lease_has_expired(
    reconciler: Reconciler, queue: MemoryQueue, jobs: JobStore, new_job: NewJob
) -> None:
    job = new_job()
    with Lease.take(folder := jobs.folder(job.id)):
        left = (folder / "lease.json").read_bytes()
    (folder / "lease.json").write_bytes(left)  # as of a worker that did not give it up
    assert reconciler.look() == []
    os.utime(folder / "lease.json", (1, 1))
    assert reconciler.look() == [job.id]
    queue.jobs, queue.time = [], 4.9  # another worker has taken it, and does not hold it yet
    assert reconciler.look() == []
    queue.time = 60
    assert reconciler.look() == [job.id]


def test_a_queue_that_is_down_is_asked_again(reconciler: Reconciler, queue: MemoryQueue, new_job: NewJob) -> None:
    job = new_job()
    reconciler.look()
    queue.down = True
    queue.time = 10
    assert reconciler.look() == []
    queue.down = False
    assert reconciler.look() == [job.id]
