"""A run whose small files are damaged is named and costs no other one anything; a worker makes do with what is left."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest

from model_store import ModelStore
from service.training.corpora.store import CorpusStore
from service.training.curves import job_curves
from service.training.errors import JobDamagedError, JobNotFoundError, JobUnfinishedError, LeaseLostError
from service.training.jobs import resume_points, run_files
from service.training.jobs.event_log import EVENTS
from service.training.jobs.job import DamagedJob, Job, JobProgress, JobState
from service.training.jobs.job_files import SHAPES, read_state, write_state
from service.training.jobs.lease import LEASE, Lease, is_live
from service.training.jobs.plan import Plan
from service.training.jobs.run import Run
from service.training.jobs.run_writer import FolderWriter
from service.training.jobs.store import JobStore
from service.training.queue.reconciler import Reconciler
from tests.damage import DAMAGES
from tests.service.training.queue.test_reconciler import MemoryQueue
from tests.service.training.runners import job_runner

NEVER = Event()
FEW = ["emptied", "wrong_fields", "a_folder", "dangling"]
"""Where every one would take long: what differs from the others in how it is read or replaced."""
NewJob = Callable[..., Job]


@pytest.fixture
def jobs(tmp_path: Path) -> JobStore:
    return JobStore(tmp_path / "runs")


@pytest.fixture
def job(new_job: NewJob, jobs: JobStore) -> Job:
    """A queued job that a worker has begun and left, so that all of its small files are there."""
    job = new_job()
    folder = jobs.folder(job.id)
    with Lease.take(folder) as lease:
        run = Run(folder, lease)
        run.start()
        run.keep_plan(Plan({"cell": "lstm", "layers": 1, "hidden_size": 8}, training={}, corpus={}))
        run.note(JobProgress(fraction=0.5, step=10))
        run.warn(10, ["the text is short"])
        run_files.write_json(folder / run_files.INTENT, {"digest": "0" * 64, "after": 0})
        run.add_event("metrics", 5, {"characters": 50, "loss": 2.0, "learning_rate": 0.1})
        write_state(FolderWriter(folder), JobState("queued"))
    return job


def test_there_is_every_file_that_is_known(job: Job, jobs: JobStore) -> None:
    assert all((jobs.folder(job.id) / name).is_file() for name in SHAPES)
    assert jobs.fault(job.id) == ""


@pytest.mark.parametrize("damage", FEW)
@pytest.mark.parametrize("file", SHAPES)
def test_a_damaged_small_file(job: Job, new_job: NewJob, jobs: JobStore, file: str, damage: str) -> None:
    other = new_job()
    DAMAGES[damage](jobs.folder(job.id) / file)
    found, sound = jobs.list()
    assert isinstance(found, Job)
    assert (found.id, found.status, found.request) == (job.id, "queued", job.request)
    assert (found.damaged.startswith(f"{file} "), sound) == (True, other)
    assert str(jobs.root) not in found.damaged
    assert list(jobs.unfinished()) == [job.id, other.id]
    assert jobs.using(job.request.corpus) == [job.id, other.id]
    assert "fox" in job_curves(jobs, job.id)
    assert jobs.event_log(job.id).metrics()
    assert jobs.cancel(job.id).status in ("cancelled", "queued")


@pytest.mark.parametrize("damage", [*DAMAGES, "missing", "no folder"])
def test_a_damaged_request(
    job: Job, new_job: NewJob, jobs: JobStore, corpora: CorpusStore, models: ModelStore, damage: str
) -> None:
    other, folder = new_job(), jobs.folder(job.id)
    if damage == "missing":
        (folder / run_files.REQUEST).unlink()
    elif damage == "no folder":
        shutil.rmtree(folder)
        folder.write_text("x")
    else:
        DAMAGES[damage](folder / run_files.REQUEST)
    found, sound = jobs.list()
    assert isinstance(found, DamagedJob)
    assert (found.id, found.created[:16], sound) == (job.id, job.created[:16], other)
    assert found.damaged.startswith("its directory" if damage == "no folder" else "request.json ")
    assert (found.status, found.state.error) == ("failed", f"the job's files are damaged: {found.damaged}")
    if damage != "no folder":
        with Lease.take(folder):
            assert jobs.look(job.id).status == "queued", "a worker runs it that has read its request before"
    with pytest.raises(JobDamagedError, match=job.id):
        jobs.get(job.id)
    assert jobs.using(job.request.corpus) == [other.id]
    queue = MemoryQueue()
    assert other.id in Reconciler(jobs, queue, grace=0).look()
    if damage != "no folder":
        assert jobs.event_log(job.id).metrics()
        assert "damaged" in job_curves(jobs, job.id)
        assert job_runner(jobs, corpora, models).run(job.id, NEVER) == "ended"
        assert jobs.look(job.id).status == "failed"
        assert "request.json" in (jobs.look(job.id).state.error or "")
        assert list(jobs.unfinished()) == [other.id]
    jobs.delete(job.id)
    assert jobs.list() == [other]
    with pytest.raises(JobNotFoundError):
        jobs.look(job.id)


@pytest.mark.parametrize("damage", FEW)
def test_a_job_is_trained_whatever_became_of_its_small_files(
    job: Job, jobs: JobStore, corpora: CorpusStore, models: ModelStore, damage: str
) -> None:
    folder = jobs.folder(job.id)
    (folder / resume_points.name_of(3)).write_bytes(resume_points.sealed(b"state"))
    names = [*SHAPES, EVENTS, resume_points.name_of(3)]
    for name in names:
        DAMAGES[damage](folder / name)
    (folder / "resume-strange").write_text("x")
    assert is_live(folder), "a worker may hold it that has not noticed yet"
    os.utime(folder / LEASE, (0, 0), follow_symlinks=False)  # as old as a dead worker's becomes
    assert job_runner(jobs, corpora, models).run(job.id, NEVER) == "ended"
    assert (jobs.get(job.id).status, models.versions("fox")) == ("succeeded", [1])
    assert jobs.fault(job.id) == ""


@pytest.mark.parametrize("damage", FEW)
def test_the_holder_of_a_damaged_lease_leaves_and_the_next_token_differs(
    new_job: NewJob, jobs: JobStore, damage: str
) -> None:
    folder = jobs.folder(new_job().id)
    first = Lease.take(folder, ttl=0.1)
    try:
        DAMAGES[damage](folder / LEASE)
        with pytest.raises(LeaseLostError), first.held():
            raise AssertionError("it may not write")
        time.sleep(0.15)
        with Lease.take(folder, ttl=0.1) as second, second.held():
            pass
        with pytest.raises(LeaseLostError), first.held():
            raise AssertionError("nor now")
    finally:
        first.release()


@pytest.mark.parametrize("damage", DAMAGES)
def test_how_a_job_ended_is_read_from_its_log_when_its_status_is_damaged(
    new_job: NewJob, jobs: JobStore, damage: str
) -> None:
    folder = jobs.folder(new_job().id)
    write_state(FolderWriter(folder), JobState("succeeded", version=3, promoted=True))
    DAMAGES[damage](folder / run_files.STATUS)
    assert read_state(folder) == JobState("succeeded", version=3, promoted=True)
    assert list(jobs.unfinished()) == []


@pytest.mark.parametrize("damage", [*DAMAGES, "missing"])
def test_a_damaged_log(job: Job, jobs: JobStore, damage: str) -> None:
    path = jobs.folder(job.id) / EVENTS
    DAMAGES[damage](path) if damage != "missing" else path.unlink()
    if damage in ("emptied", "missing", "a_folder", "dangling", "looping"):
        assert EVENTS in jobs.fault(job.id)
    assert jobs.event_log(job.id).metrics() == [] or damage == "cut"
    assert "fox" in job_curves(jobs, job.id)
    with Lease.take(path.parent) as lease:
        Run(path.parent, lease).add_event("samples", 7, {"samples": ["a"]})
    assert jobs.event_log(job.id).samples() == [{"step": 7, "samples": ["a"]}]


LINES = [
    b"[]\n",
    b"7\n",
    b'"x"\n',
    b'{"kind": 5}\n',
    b'{"kind": "metrics", "step": "x"}\n',
    b'{"kind": "evaluation", "step": 9}\n',
    b'{"kind": "evaluation", "step": 9, "characters": 9, "gradient_norms": [[]], "validation_loss": "x"}\n',
    b"\xff\xfe\n",
    b"[" * 100_000 + b"\n",
]


@pytest.mark.parametrize("line", LINES, ids=range(len(LINES)))
def test_a_damaged_line_costs_the_others_nothing(job: Job, jobs: JobStore, line: bytes) -> None:
    path = jobs.folder(job.id) / EVENTS
    path.write_bytes(line + path.read_bytes() + line)
    assert any(metric["step"] == 5 for metric in jobs.event_log(job.id).metrics())
    assert job_curves(jobs, job.id).startswith("<svg")


def test_a_job_is_deleted_when_it_has_ended(new_job: NewJob, jobs: JobStore, tmp_path: Path) -> None:
    job = new_job()
    with pytest.raises(JobUnfinishedError, match="cancel it first"):
        jobs.delete(job.id)
    jobs.cancel(job.id)
    jobs.delete(job.id)
    assert (jobs.list(), list(jobs.root.iterdir())) == ([], [])
    assert jobs.fault(job.id) == "", "what is not there any more is not damaged"
    for strange in (job.id, "nothing", "../corpora"):
        with pytest.raises(JobNotFoundError):
            jobs.delete(strange)
