"""Jobs that several machines share, each with a mirror of its own."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

import pytest

from durable.directory_objects import DirectoryObjects
from durable.objects import StoreUnavailableError
from service.training.errors import (
    JobFinishedError,
    JobNotFoundError,
    JobUnfinishedError,
    LeaseHeldError,
    LeaseLostError,
)
from service.training.jobs import run_files
from service.training.jobs.event_log import EVENTS
from service.training.jobs.headless import GRACE_SECONDS
from service.training.jobs.job import DamagedJob, JobProgress
from service.training.jobs.lease import Lease
from service.training.jobs.requests import JobRequest
from service.training.jobs.run_mirror import NOTED, PREFIX
from service.training.jobs.shared import SharedJobStore
from service.training.jobs.shared_head import HEAD
from tests.service.training.jobs.machines import Cable

NEVER = Event()
STOPPED = Event()
STOPPED.set()
REQUEST = JobRequest("0" * 16, "fox")
QUICK = 0.6

Machine = Callable[[str], SharedJobStore]


@pytest.fixture
def cable(tmp_path: Path) -> Cable:
    """That of the machine a."""
    return Cable(tmp_path / "far")


@pytest.fixture
def a(tmp_path: Path, cable: Cable) -> SharedJobStore:
    return SharedJobStore(tmp_path / "a", cable, ttl=QUICK)


@pytest.fixture
def b(tmp_path: Path) -> SharedJobStore:
    return SharedJobStore(tmp_path / "b", DirectoryObjects(tmp_path / "far"), ttl=QUICK)


def log_of(jobs: SharedJobStore, job: str) -> bytes:
    return (jobs.folder(job) / EVENTS).read_bytes()


def far(tmp_path: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in (tmp_path / "far" / "runs").rglob("*") if path.is_file()}


def test_a_job_is_found_on_another_machine_at_once_and_in_its_list_after_a_look(
    a: SharedJobStore, b: SharedJobStore
) -> None:
    job = a.create(REQUEST)
    assert b.get(job.id) == job
    other = a.create(REQUEST)
    assert b.ids() == [job.id]
    assert (b.refresh(), b.ids()) == (True, [job.id, other.id])
    assert (b.refresh(), b.list()) == (False, a.list())
    assert log_of(a, job.id) == log_of(b, job.id)


def test_a_corpus_is_used_by_a_job_of_a_machine_whose_clock_is_behind(
    a: SharedJobStore, b: SharedJobStore, tmp_path: Path
) -> None:
    for _ in range(3):
        a.create(REQUEST)
        a.refresh()
    job = b.create(REQUEST).id
    early = f"20200101{job[8:]}"
    (tmp_path / "far" / "runs" / job).rename(tmp_path / "far" / "runs" / early)
    assert early in a.using(REQUEST.corpus)


def test_a_job_is_deleted_everywhere(a: SharedJobStore, b: SharedJobStore, tmp_path: Path) -> None:
    job = a.create(REQUEST).id
    b.refresh()
    with pytest.raises(JobUnfinishedError):
        b.delete(job)
    a.cancel(job)
    b.delete(job)
    assert far(tmp_path) == {}
    assert (a.refresh(), a.ids()) == (True, [])
    for jobs in (a, b):
        with pytest.raises(JobNotFoundError):
            jobs.delete(job)


def test_a_deletion_that_was_interrupted_is_finished_by_another_machine(
    a: SharedJobStore, b: SharedJobStore, tmp_path: Path
) -> None:
    class Dying(DirectoryObjects):
        def delete(self, key: str) -> None:
            raise StoreUnavailableError("the machine died")

    job = a.create(REQUEST).id
    b.refresh()
    a.cancel(job)
    with pytest.raises(StoreUnavailableError):
        SharedJobStore(tmp_path / "a", Dying(tmp_path / "far")).delete(job)
    assert far(tmp_path)
    b.refresh()
    assert (far(tmp_path), b.ids()) == ({}, [])


def test_a_request_without_a_head_is_deleted_once_nobody_can_be_about_to_write_it(tmp_path: Path) -> None:
    class Dying(DirectoryObjects):
        def put_new(self, key: str, data: bytes) -> str:
            if key.endswith(HEAD):
                raise StoreUnavailableError("the machine died")
            return super().put_new(key, data)

    now = 0.0
    store = DirectoryObjects(tmp_path / "far")
    jobs = SharedJobStore(tmp_path / "b", store, clock=lambda: now)
    with pytest.raises(StoreUnavailableError):
        SharedJobStore(tmp_path / "a", Dying(tmp_path / "far")).create(REQUEST)
    kept = jobs.create(REQUEST).id
    (orphan,) = (path for path in far(tmp_path) if kept not in path)
    for moment, is_there in ((0.0, True), (GRACE_SECONDS - 1, True), (GRACE_SECONDS, False)):
        now = moment
        jobs.refresh(store.list(PREFIX))
        assert (orphan in far(tmp_path)) is is_there
    assert jobs.ids() == [kept] and jobs.get(kept).request == REQUEST


def test_a_resume_point_that_comes_after_the_end_is_deleted(tmp_path: Path) -> None:
    a = SharedJobStore(tmp_path / "a", DirectoryObjects(tmp_path / "far"), ttl=QUICK)
    ended, running = a.create(REQUEST).id, a.create(REQUEST).id
    a.cancel(ended)
    for job in (ended, running):
        DirectoryObjects(tmp_path / "far").put_new(f"runs/{job}/resume-000000000009-1-0", b"state")
    before = far(tmp_path)
    SharedJobStore(tmp_path / "b", DirectoryObjects(tmp_path / "far")).refresh()
    assert before.keys() - far(tmp_path).keys() == {f"{tmp_path}/far/runs/{ended}/resume-000000000009-1-0"}


def test_a_job_that_has_ended_elsewhere_cannot_be_cancelled(a: SharedJobStore, b: SharedJobStore) -> None:
    job = a.create(REQUEST).id
    assert b.get(job).status == "queued"
    with a.take(job, NEVER) as lease:
        a.run(job, lease).fail("the text is too short")
    with pytest.raises(JobFinishedError, match="failed already"):
        b.cancel(job)
    assert b.get(job) == a.get(job)


def test_a_worker_learns_from_its_own_renewal_that_its_job_is_cancelled_elsewhere(
    a: SharedJobStore, b: SharedJobStore
) -> None:
    job = a.create(REQUEST).id
    with a.take(job, NEVER) as lease:
        run = a.run(job, lease)
        run.start()
        run.note(JobProgress(0.5))
        assert b.cancel(job).status == "running"
        with lease.held():
            pass
        assert run.cancel_requested()
        run.cancel()
    assert b.cancel(job).status == "cancelled"
    assert [event.data["status"] for event in b.event_log(job).read()] == ["queued", "running", "cancelled"]
    assert a.get(job).progress.fraction == 0.5


def test_many_cancel_a_job_once(a: SharedJobStore, b: SharedJobStore) -> None:
    job = a.create(REQUEST).id
    threads = [Thread(target=jobs.cancel, args=(job,)) for jobs in (a, b) * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [event.data["status"] for event in b.event_log(job).read()] == ["queued", "cancelled"]


def test_one_machine_holds_a_run_at_a_time(a: SharedJobStore, b: SharedJobStore) -> None:
    job = a.create(REQUEST).id
    with a.take(job, NEVER), pytest.raises(LeaseHeldError):
        b.take(job, NEVER)
    b.take(job, NEVER).release()


def test_whoever_was_cut_off_is_replaced_and_writes_nothing_when_it_is_back(
    a: SharedJobStore, b: SharedJobStore, cable: Cable, tmp_path: Path
) -> None:
    job = a.create(REQUEST).id
    with a.take(job, NEVER) as lease:
        run = a.run(job, lease)
        run.start()
        run.save(1, b"state 1")
        cable.is_cut = True
        run.add_event("metrics", 2, {"loss": 2.0})
        with pytest.raises(StoreUnavailableError), lease.held():
            pass
        with pytest.raises(StoreUnavailableError):
            run.save(2, b"state of the one cut off")
        with b.take(job, NEVER) as other:
            successor = b.run(job, other)
            assert list(successor.resume_points()) == [b"state 1"]
            assert successor.start() == 0
            successor.add_event("metrics", 2, {"loss": 1.0})
            successor.save(2, b"state 2")
            cable.is_cut = False
            writes: list[Callable[[], object]] = [
                lambda: run.publish({}, lambda: (1, True)),
                lambda: run.save(3, b"state 3"),
                run.hand_over,
                run.cancel,
                lambda: run.note(JobProgress(0.7)),
            ]
            for write in writes:
                with pytest.raises(LeaseLostError):
                    write()
            successor.fail("enough")
    names = {Path(path).name for path in far(tmp_path)}
    assert names == {"request.json", "head.json"}
    a.refresh()
    assert a.get(job) == b.get(job)
    assert log_of(a, job) == log_of(b, job)
    assert [line["loss"] for line in a.event_log(job).metrics()] == [1.0]


def test_what_was_measured_while_the_store_was_away_is_stored_when_it_is_back(
    a: SharedJobStore, b: SharedJobStore, cable: Cable
) -> None:
    job = a.create(REQUEST).id
    with a.take(job, NEVER) as lease:
        run = a.run(job, lease)
        run.start()
        cable.is_cut = True
        for step in (1, 2, 3):
            run.add_event("metrics", step, {})
            with pytest.raises(StoreUnavailableError), lease.held():
                pass
        cable.is_cut = False
        run.add_event("metrics", 4, {})
        with lease.held():
            pass
        assert [line["step"] for line in b.event_log(job).metrics()] == [1, 2, 3, 4]


@pytest.mark.parametrize("write", ["note", "fail"])
def test_a_write_whose_answer_was_lost_happens_once(
    b: SharedJobStore, cable: Cable, tmp_path: Path, write: str
) -> None:
    a = SharedJobStore(tmp_path / "a", cable, ttl=600)  # so that no renewal meets the fault
    job = a.create(REQUEST).id
    with a.take(job, NEVER) as lease:
        run = a.run(job, lease)
        run.start()
        run.add_event("metrics", 1, {})
        cable.loses_answer = True
        if write == "note":
            with pytest.raises(StoreUnavailableError), lease.held():
                pass
            with lease.held():
                pass
        else:
            with pytest.raises(StoreUnavailableError):
                run.fail("too short")
            assert run.fail("too short").status == "failed"
    kinds = [event.data.get("status", event.kind) for event in b.event_log(job).read()]
    assert kinds == ["queued", "running", "metrics", *(["failed"] if write == "fail" else [])]


def test_a_long_log_is_in_segments_and_the_same_on_every_machine(
    a: SharedJobStore, b: SharedJobStore, tmp_path: Path
) -> None:
    job = a.create(REQUEST).id
    b.refresh()
    with a.take(job, NEVER) as lease:
        run = a.run(job, lease)
        for step in range(1, 100):
            run.add_event("samples", step, {"samples": ["ein schöner Text " * 60]})
            if step % 7 == 0:
                with lease.held():
                    pass
            if step % 20 == 0:
                b.refresh()
                assert log_of(a, job).startswith(log_of(b, job))
        run.cancel()
    b.refresh()
    assert log_of(a, job) == log_of(b, job)
    assert [event.data["step"] for event in b.event_log(job).read() if event.kind == "samples"] == list(range(1, 100))
    assert sum(path.endswith(".jsonl") for path in far(tmp_path)) >= 2
    shutil.rmtree(b.folder(job))
    assert (b.get(job), log_of(b, job)) == (a.get(job), log_of(a, job))


def test_a_mirror_that_was_cut_short_by_a_kill_is_made_whole(a: SharedJobStore, b: SharedJobStore) -> None:
    job = a.create(REQUEST).id
    b.refresh()
    with (b.folder(job) / EVENTS).open("ab") as file:
        file.write(b'{"kind": "sta')
    (b.folder(job) / NOTED).write_text("{")
    (b.folder(job) / run_files.STATUS).write_text("")
    a.cancel(job)
    SharedJobStore(b.root, DirectoryObjects(a.root.parent / "far")).refresh()
    assert (b.get(job), log_of(b, job)) == (a.get(job), log_of(a, job))


def test_a_look_at_jobs_that_have_ended_costs_one_request(a: SharedJobStore, cable: Cable, tmp_path: Path) -> None:
    for _ in range(3):
        a.cancel(a.create(REQUEST).id)
    a.refresh()
    cable.gets = 0
    assert [a.refresh() for _ in range(3)] == [False] * 3
    assert cable.gets == 0


def test_a_damaged_head_is_no_reason_not_to_see_the_other_jobs(
    a: SharedJobStore, b: SharedJobStore, tmp_path: Path
) -> None:
    job, other = a.create(REQUEST).id, a.create(REQUEST).id
    head = tmp_path / "far" / "runs" / job / "head.json"
    sound = head.read_bytes()
    head.write_text("{")
    for jobs in (a, b):
        jobs.refresh()
        found, undamaged = jobs.list()
        assert isinstance(found, DamagedJob)
        assert (found.damaged, found.status, undamaged.id) == ("head.json is not a head", "failed", other)
        assert jobs.fault(job).startswith("head.json is not a head")
        assert jobs.fault(other) == ""
        with pytest.raises(LeaseHeldError, match="is not a head"):
            jobs.take(job, NEVER)
    head.write_bytes(sound)
    for jobs in (a, b):
        jobs.refresh()
        assert (jobs.get(job).status, jobs.fault(job)) == ("queued", "")
    head.write_text("{")
    a.refresh()
    a.delete(job)
    b.refresh()
    assert a.ids() == b.ids() == [other]


def test_one_of_many_machines_takes_a_run_over(a: SharedJobStore, tmp_path: Path) -> None:
    job, taken = a.create(REQUEST).id, list[Lease]()

    def take(number: int) -> None:
        machine = SharedJobStore(tmp_path / str(number), DirectoryObjects(tmp_path / "far"))
        with suppress(LeaseHeldError):
            taken.append(machine.take(job, STOPPED))

    threads = [Thread(target=take, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 1
    taken[0].release()
