"""Real workers on a real Redis-compatible server: killed, suspended, stopped, and left without their queue."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from charrnn.training.config import Budget
from durable.locks import is_held
from service.bootstrap.training import build_trainer
from service.settings import Settings
from service.training.errors import QueueDownError
from service.training.jobs.job import Job
from service.training.jobs.lease import is_live
from service.training.jobs.requests import JobRequest
from service.training.jobs.run_files import LOCK
from service.training.queue.job_queue import JobQueue
from tests.system.redis_server import RedisServer
from tests.texts import FOX
from tests.waiting import LONGEST, until

pytestmark = pytest.mark.system

ROOT = Path(__file__).parents[2]
TAKEN_UP_WITHIN = 15
"""Seconds from a worker's death to the first step that another one does."""


class Place:
    """A data directory, a queue, and the workers that were started on them; those that a test leaves are the next
    one's, for each takes seconds to start."""

    def __init__(self, folder: Path) -> None:
        self.server = RedisServer(folder)
        self.queue = JobQueue(self.server.url)
        training = build_trainer(Settings(data_dir=folder))
        self.jobs, self.models = training.jobs, training.models
        self.corpus = training.corpora.add([FOX.encode()], "fox")[0]
        self.folder = folder
        self.workers: list[subprocess.Popen[bytes]] = []

    def worker(self) -> subprocess.Popen[bytes]:
        environment = os.environ | {
            "DATA_DIR": str(self.folder),
            "REDIS_URL": self.server.url,
            "PYTHONPATH": str(ROOT),
        }
        log = (self.folder / f"worker-{len(self.workers)}.log").open("wb")
        with log:
            command = [sys.executable, "-m", "service.processes.worker"]
            worker = subprocess.Popen(command, env=environment, stderr=log, start_new_session=True)
        self.workers.append(worker)
        return worker

    def idle(self, count: int) -> list[subprocess.Popen[bytes]]:
        """So many workers that wait for jobs."""
        living = [worker for worker in self.workers if worker.poll() is None]
        found = [*living, *(self.worker() for _ in range(count - len(living)))]
        until(lambda: all("takes jobs" in self.log(worker) for worker in found))
        return found

    def kill_all(self) -> None:
        for worker in self.workers:
            if worker.poll() is None:
                kill_all(worker)

    def log(self, worker: subprocess.Popen[bytes]) -> str:
        return (self.folder / f"worker-{self.workers.index(worker)}.log").read_text()

    def create(self, steps: int, name: str = "fox") -> Job:
        sizes = {"hidden_size": 8, "batch_size": 2, "segment_length": 8}
        request = JobRequest(self.corpus.id, name, sizes, budget=Budget(steps=steps))
        return self.jobs.create(request)

    def submit(self, steps: int, name: str = "fox") -> Job:
        job = self.create(steps, name)
        self.queue.submit(job.id)
        return job

    def by_turn(self, workers: list[subprocess.Popen[bytes]], job: Job) -> list[subprocess.Popen[bytes]]:
        """First the one that the job began with."""
        return sorted(workers, key=lambda worker: f"job {job.id} begins" not in self.log(worker))

    def step(self, job: Job) -> int:
        found = self.jobs.get(job.id)
        assert found.status != "failed", found.state.error
        return found.progress.step

    def wait_for_step(self, job: Job, step: int) -> None:
        until(lambda: self.step(job) >= step)

    def goes_on(self, job: Job) -> None:
        reached = self.step(job)
        until(lambda: self.step(job) > reached)

    def cancel(self, job: Job) -> None:
        self.jobs.cancel(job.id)
        self.wait_for(job, "cancelled")

    def wait_for(self, job: Job, status: str, seconds: float = LONGEST) -> None:
        until(lambda: self.jobs.get(job.id).status == status, seconds)


def suspend(worker: subprocess.Popen[bytes], lock: Path) -> None:
    """SIGSTOP the worker, but not in the middle of a write: then it would keep the lock, and the job would wait for
    it."""
    while True:
        worker.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, worker.pid, os.WSTOPPED)
        if not is_held(lock):
            return
        worker.send_signal(signal.SIGCONT)
        time.sleep(0.05)


def kill_all(worker: subprocess.Popen[bytes]) -> None:
    """SIGKILL for the worker and all its children, which share its process group."""
    os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    place = Place(tmp_path_factory.mktemp("place"))
    yield place
    place.kill_all()
    place.queue.close()
    place.server.stop()


@pytest.fixture
def place(shared: Place) -> Iterator[Place]:
    """With a queue that answers, and nothing to do."""
    if not shared.queue.available():
        shared.server.start()
    yield shared
    if left := list(shared.jobs.unfinished()):
        shared.kill_all()
        for job in left:
            shared.jobs.cancel(job)


ENDLESS = 1_000_000


@pytest.mark.parametrize("within", [LONGEST, pytest.param(TAKEN_UP_WITHIN, marks=pytest.mark.faults)])
def test_a_job_goes_on_elsewhere_when_its_worker_is_killed(place: Place, within: float) -> None:
    """Soon, where other tests leave the machine to it."""
    workers = place.idle(2)
    job = place.submit(ENDLESS, "unfinished")
    until(lambda: any(place.jobs.folder(job.id).glob("resume-*")))
    reached = int(max(path.name for path in place.jobs.folder(job.id).glob("resume-*")).removeprefix("resume-"))
    first, second = place.by_turn(workers, job)
    kill_all(first)
    killed_at = place.step(job)
    assert killed_at > 0
    until(lambda: place.step(job) > killed_at, within)
    until(lambda: f"job {job.id} resumes at step" in place.log(second))
    assert place.step(job) > reached
    place.cancel(job)
    assert not place.models.has("unfinished")


@pytest.mark.faults
def test_a_killed_job_ends_with_the_bytes_of_one_that_was_not(place: Place) -> None:
    (worker,) = place.idle(1)
    whole = place.submit(500)
    place.wait_for(whole, "succeeded")
    job = place.submit(500)
    for step in (1, 200):
        place.wait_for_step(job, step)
        kill_all(worker)
        worker = place.worker()
    place.wait_for(job, "succeeded")
    assert place.models.versions("fox") == [1, 2]
    assert place.models.load("fox", 1).digest == place.models.load("fox", 2).digest
    steps = [line["step"] for line in place.jobs.event_log(job.id).metrics()]
    assert steps == sorted(steps)


@pytest.mark.faults
def test_a_worker_that_slept_cannot_write_or_publish(place: Place) -> None:
    workers = place.idle(2)
    job = place.submit(1500, "slept")
    place.wait_for_step(job, 1)
    folder = place.jobs.folder(job.id)
    sleeper, _ = place.by_turn(workers, job)
    suspend(sleeper, folder / LOCK)
    place.wait_for(job, "succeeded", seconds=90)
    until(lambda: not is_live(folder))
    before = {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".draft-")}
    sleeper.send_signal(signal.SIGCONT)
    until(lambda: "was taken over by another worker" in place.log(sleeper))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert place.models.versions("slept") == [1]
    after = [place.submit(ENDLESS, name) for name in ("one", "two")]
    for each in after:  # at once, so that it works again
        place.wait_for_step(each, 1)
    for each in after:
        place.cancel(each)


def test_two_workers_train_two_jobs_at_once_and_one_that_is_to_end_hands_its_job_over(place: Place) -> None:
    workers = place.idle(2)
    job, other = jobs = [place.submit(ENDLESS, name) for name in ("one", "two")]
    for each in jobs:
        place.wait_for_step(each, 1)
    for each in jobs:
        place.goes_on(each)
    place.cancel(other)
    having, waiting = place.by_turn(workers, job)
    having.terminate()
    assert having.wait(LONGEST) == 0
    place.goes_on(job)
    until(lambda: f"job {job.id} resumes at step" in place.log(waiting))
    waiting.send_signal(signal.SIGINT)
    assert waiting.wait(LONGEST) == 0
    assert place.jobs.get(job.id).status == "queued"
    place.cancel(job)


@pytest.mark.faults
def test_the_queue_may_forget_everything_and_be_down_when_a_job_is_handed_in_and_when_a_worker_starts(
    place: Place,
) -> None:
    place.server.stop()
    worker = place.worker()
    job = place.create(5)
    began = time.monotonic()
    with pytest.raises(QueueDownError):
        place.queue.submit(job.id)
    assert time.monotonic() - began < 5
    until(lambda: "does not answer: waiting for it" in place.log(worker))
    place.server.start()
    place.wait_for(job, "succeeded")

    running, queued = place.submit(ENDLESS), place.submit(5, "other")
    place.wait_for_step(running, 1)
    place.server.empty()
    place.goes_on(running)
    place.cancel(running)
    place.wait_for(queued, "succeeded")

    place.server.stop()
    time.sleep(1)
    place.server.start()
    after = place.submit(5)
    place.wait_for(after, "succeeded")
    place.server.stop()
    worker.terminate()
    assert worker.wait(LONGEST) == 0
    told = [line for line in place.log(worker).splitlines() if "does not answer" in line or "connection" in line]
    assert 2 <= len(told) <= 3, "once for every time that it was down, not every second"
