"""Jobs run for real, in moments, on several machines one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import pytest

from charrnn.checkpoint import Checkpoint
from durable.directory_objects import DirectoryObjects
from durable.objects import Objects
from durable.s3_objects import S3Objects
from model_store import ModelStore
from model_store.shared import SharedModelStore
from service.training.corpora.store import CorpusStore
from service.training.jobs import resume_points
from service.training.jobs.job import Job
from service.training.jobs.shared import SharedJobStore
from tests.object_server import BUCKET, ObjectServer
from tests.service.training.jobs.machines import Cable
from tests.service.training.runners import Clock, StopAfter, job_runner
from tests.waiting import LONGEST

NEVER = Event()
TTL = 0.6


NewJob = Callable[..., Job]


@pytest.fixture(params=["directory", "s3"])
def far(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Objects]:
    """A way to the store of objects."""
    if request.param == "directory":
        return lambda: DirectoryObjects(tmp_path / "far")
    server: ObjectServer = request.getfixturevalue("object_server")
    return lambda: S3Objects(BUCKET, f"runs-{tmp_path.name}", server.settings())


@pytest.fixture
def jobs(tmp_path: Path, far: Callable[[], Objects]) -> SharedJobStore:
    """Those of the machine a."""
    return SharedJobStore(tmp_path / "a", far(), ttl=TTL)


@pytest.fixture
def other(tmp_path: Path, far: Callable[[], Objects]) -> SharedJobStore:
    """Those of the machine b."""
    return SharedJobStore(tmp_path / "b", far(), ttl=TTL)


def test_a_job_that_goes_from_machine_to_machine_ends_as_one_that_does_not(
    jobs: SharedJobStore, other: SharedJobStore, corpora: CorpusStore, models: ModelStore, new_job: NewJob
) -> None:
    moved, whole = new_job(steps=60), new_job(steps=60)
    runners = [job_runner(each, corpora, models, clock=Clock(0.5)) for each in (jobs, other)]
    for number in range(4):
        assert runners[number % 2].run(moved.id, StopAfter(15)) == "handed over"
    assert runners[0].run(moved.id, NEVER) == runners[1].run(whole.id, NEVER) == "ended"
    assert models.describe("fox", 1).digest == models.describe("fox", 2).digest
    other.refresh()
    jobs.refresh()
    for job in (moved, whole):
        assert jobs.get(job.id) == other.get(job.id)
        assert list(jobs.event_log(job.id).read()) == list(other.event_log(job.id).read())
    assert jobs.event_log(moved.id).samples() == jobs.event_log(whole.id).samples()
    steps = [event.data["step"] for event in jobs.event_log(moved.id).read() if event.kind == "evaluation"]
    assert steps == sorted(set(steps))


def test_the_job_of_a_machine_that_is_cut_off_is_continued_and_published_once(
    tmp_path: Path, corpora: CorpusStore, new_job: NewJob, other: SharedJobStore, far: Callable[[], Objects]
) -> None:
    if not isinstance(far(), DirectoryObjects):
        pytest.skip("a cable is that of a folder")
    cable = Cable(tmp_path / "far")
    cut_off = SharedJobStore(tmp_path / "a", cable, ttl=TTL)
    job = new_job(steps=200)
    cut_models = SharedModelStore(tmp_path / "models-a", cable)
    models = SharedModelStore(tmp_path / "models-b", DirectoryObjects(tmp_path / "far"))

    was_cut = Event()

    def clock() -> float:
        """Cuts the machine off in the middle of its training, and does not train meanwhile: two in one process would
        share torch's random numbers. Until then each step leaves another thread the time to store resume points."""
        if not was_cut.is_set() and resume_points.newest_step(cut_off.root / job.id) >= 20:
            cable.is_cut = True
            was_cut.set()
        if not was_cut.is_set():
            time.sleep(0.005)
        while cable.is_cut:
            time.sleep(0.01)
        return time.monotonic()

    runner = job_runner(cut_off, corpora, cut_models, save_seconds=0.02, clock=clock)
    first = Thread(target=runner.run, args=(job.id, NEVER), daemon=True)
    first.start()
    assert was_cut.wait(LONGEST)
    runner = job_runner(other, corpora, models)
    while runner.run(job.id, NEVER) != "ended":  # its last renewal may be on its way
        pass
    cable.is_cut = False
    first.join(LONGEST)
    assert not first.is_alive()
    assert models.versions("fox") == [1]
    whole = new_job(steps=200)
    assert runner.run(whole.id, NEVER) == "ended"
    assert models.describe("fox", 1).digest == models.describe("fox", 2).digest
    cut_off.refresh()
    assert list(cut_off.event_log(job.id).read()) == list(other.event_log(job.id).read())
    assert cut_off.event_log(job.id).samples() == cut_off.event_log(whole.id).samples()


def test_a_worker_that_wakes_up_while_it_publishes_publishes_nothing_more(
    tmp_path: Path,
    corpora: CorpusStore,
    new_job: NewJob,
    jobs: SharedJobStore,
    other: SharedJobStore,
    far: Callable[[], Objects],
) -> None:
    models = SharedModelStore(tmp_path / "models-b", far())
    runner = job_runner(other, corpora, models)
    job = new_job(steps=20)

    class Suspended(SharedModelStore):
        """The machine stops between the last look at its lease and the publication, until another has published."""

        slept = False

        def _publish(self, name: str, checkpoint: Checkpoint, condition: Callable[[], bool]) -> int | None:
            def then_sleep() -> bool:
                due = condition()
                if not self.slept:
                    self.slept = True
                    while runner.run(job.id, NEVER) != "ended":
                        pass
                return due

            return super()._publish(name, checkpoint, then_sleep)

    frozen = SharedJobStore(jobs.root, far(), ttl=3600)  # its lease is not renewed meanwhile
    assert job_runner(frozen, corpora, Suspended(tmp_path / "models-a", far())).run(job.id, NEVER) == "not mine"
    assert models.versions("fox") == [1]
    assert (other.get(job.id).status, other.get(job.id).state.version) == ("succeeded", 1)
