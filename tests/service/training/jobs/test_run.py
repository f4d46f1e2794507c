import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import pytest

from service.training.errors import LeaseLostError
from service.training.jobs import run_files
from service.training.jobs.bases import Base
from service.training.jobs.event_log import EVENTS, EventLog
from service.training.jobs.job import Job, JobProgress
from service.training.jobs.lease import LEASE, Lease
from service.training.jobs.plan import Plan
from service.training.jobs.run import Run
from service.training.jobs.run_mirror import NOTED
from service.training.jobs.shared_head import HEAD
from service.training.jobs.store import JobStore

NewJob = Callable[..., Job]

BASE = Base("fox", 1, "0" * 64)
PLAN = Plan(model={"hidden_size": 8}, training={"seed": 1}, corpus={"name": "fox"}, level="word", base=BASE)


@pytest.fixture
def folder(jobs: JobStore, new_job: NewJob) -> Path:
    return jobs.folder(new_job().id)


@pytest.fixture
def lease(folder: Path, jobs: JobStore) -> Iterator[Lease]:
    with jobs.take(folder.name, Event()) as lease:
        yield lease


@pytest.fixture
def run(folder: Path, jobs: JobStore, lease: Lease) -> Run:
    return jobs.run(folder.name, lease)


def stored(lease: Lease) -> None:
    """Until now; what training only reports may be stored a moment later."""
    with lease.held():
        pass


def taken_over(folder: Path, jobs: JobStore) -> Lease:
    past = time.time() - 3600
    os.utime(folder / LEASE, (past, past))
    return jobs.take(folder.name, Event())


def everything(folder: Path) -> dict[str, bytes]:
    """Of the store of objects too, if there is one, but for what shows that the holder is alive."""
    paths = [path for path in (*folder.rglob("*"), *(folder.parents[1] / "far" / "runs").rglob("*")) if path.is_file()]
    return {str(path): path.read_bytes() for path in paths if path.name not in {HEAD, NOTED, LEASE}}


def test_a_worker_that_lost_the_run_changes_nothing(run: Run, folder: Path, jobs: JobStore) -> None:
    run.start()
    run.save(1, b"state")
    with taken_over(folder, jobs):
        before = everything(folder), jobs.get(folder.name)
        published: list[int] = []

        def publish() -> tuple[int, bool]:
            published.append(1)
            return 1, True

        for write in (
            run.start,
            run.hand_over,
            run.cancel,
            lambda: run.save(2, b"other"),
            lambda: run.keep_plan(PLAN),
            lambda: run.publish({}, publish),
            lambda: run.fail("too late"),
            lambda: run.note(JobProgress(0.5)),
            lambda: run.add_event("metrics", 5, {}),
        ):
            with pytest.raises(LeaseLostError):
                write()
        assert (everything(folder), jobs.get(folder.name)) == before
        assert published == []


def test_progress_is_seen_while_the_job_runs(run: Run, lease: Lease, folder: Path, jobs: JobStore) -> None:
    run.start()
    run.note(JobProgress(fraction=0.5, step=10, steps=20, loss=1.5))
    stored(lease)
    job = jobs.get(folder.name)
    assert job.status == "running"
    assert job.state.started
    assert (job.progress.fraction, job.progress.loss) == (0.5, 1.5)


def test_measurements_are_recorded_once_however_often_they_are_made(
    run: Run, lease: Lease, folder: Path, jobs: JobStore
) -> None:
    for step in (0, 5, 10):
        run.add_event("metrics", step, {"loss": 1.0})
    run.add_event("evaluation", 10, {"validation_loss": 2.0})
    stored(lease)
    with taken_over(folder, jobs) as successor_lease:
        successor = jobs.run(folder.name, successor_lease)
        for step in (5, 10, 15):
            successor.add_event("metrics", step, {"loss": 1.0})
        successor.add_event("evaluation", 10, {"validation_loss": 2.0})
    assert [line["step"] for line in jobs.event_log(folder.name).metrics()] == [0, 5, 10, 10, 15]


def test_measurements_stay_in_the_order_of_their_steps_wherever_a_successor_measures(
    run: Run, lease: Lease, folder: Path, jobs: JobStore
) -> None:
    run.add_event("metrics", 5, {})
    run.add_event("evaluation", 10, {})
    stored(lease)
    with taken_over(folder, jobs) as successor_lease:
        successor = jobs.run(folder.name, successor_lease)
        successor.add_event("metrics", 7, {})
        successor.add_event("samples", 7, {"samples": []})
        successor.add_event("metrics", 12, {})
    assert [line["step"] for line in jobs.event_log(folder.name).metrics()] == [5, 10, 12]
    assert [line["step"] for line in jobs.event_log(folder.name).samples()] == [7]


def test_a_successor_mends_what_the_dead_left(run: Run, lease: Lease, folder: Path, jobs: JobStore) -> None:
    run.add_event("metrics", 1, {})
    stored(lease)
    with (folder / EVENTS).open("ab") as file:
        file.write(b'{"kind"')
    (folder / ".draft-dead").write_bytes(b"half")
    with taken_over(folder, jobs) as successor_lease:
        jobs.run(folder.name, successor_lease).add_event("metrics", 2, {})
        stored(successor_lease)
    assert not (folder / ".draft-dead").exists()
    assert [event.data.get("step") for event in EventLog(folder).read()] == [None, 1, 2]


def test_two_resume_points_are_kept_until_the_end(run: Run, folder: Path) -> None:
    for step in (1, 2, 3):
        run.save(step, b"state %d" % step)
    assert list(run.resume_points()) == [b"state 3", b"state 2"]
    run.cancel()
    assert list(run.resume_points()) == []


def test_a_plan_is_kept_for_the_next_worker(run: Run, folder: Path, jobs: JobStore) -> None:
    assert run.plan() is None
    run.keep_plan(PLAN)
    with taken_over(folder, jobs) as successor_lease:
        assert jobs.run(folder.name, successor_lease).plan() == PLAN


@pytest.mark.parametrize("missing", ["model", "training", "corpus"])
def test_a_plan_without_what_is_always_decided_is_none(run: Run, folder: Path, missing: str) -> None:
    plan = {name: value for name, value in PLAN.as_dict().items() if name != missing}
    run_files.write_json(folder / run_files.PLAN, plan)
    assert run.plan() is None


def test_a_plan_of_an_earlier_release_trains_on_characters_without_a_base(run: Run, folder: Path) -> None:
    run_files.write_json(folder / run_files.PLAN, {"model": {}, "training": {}, "corpus": {}})
    assert run.plan() == Plan(model={}, training={}, corpus={}, level="char", base=None)


def test_publishing_says_so_and_leaves_its_intent(run: Run, folder: Path, jobs: JobStore) -> None:
    run.start()
    intents = []

    def publish() -> tuple[int, bool]:
        intents.append(run.intent())
        return 3, False

    run.publish({"digest": "d", "after": 2}, publish)
    assert intents == [{"digest": "d", "after": 2}]
    job = jobs.get(folder.name)
    assert (job.status, job.state.version, job.state.promoted) == ("succeeded", 3, False)
    last = list(jobs.event_log(folder.name).read())[-1]
    assert (last.kind, last.data) == ("status", {"status": "succeeded", "version": 3, "promoted": False})


def test_deaths_at_one_point_are_counted(run: Run, folder: Path) -> None:
    assert [run.start() for _ in range(3)] == [0, 1, 2]
    run.save(4, b"state")
    assert [run.start() for _ in range(2)] == [0, 1]
    run.hand_over()
    assert run.start() == 0


def test_a_job_handed_over_is_queued_and_keeps_its_beginning(run: Run, folder: Path, jobs: JobStore) -> None:
    run.start()
    started = jobs.get(folder.name).state.started
    run.hand_over()
    assert jobs.get(folder.name).status == "queued"
    run.start()
    job = jobs.get(folder.name)
    assert (job.status, job.state.started) == ("running", started)
