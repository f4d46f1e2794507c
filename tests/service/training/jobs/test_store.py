from collections.abc import Callable
from threading import Event

import pytest

from durable.drafts import draft_folder
from service.training.corpora.corpus import Corpus
from service.training.corpora.store import CorpusStore
from service.training.errors import CorpusInUseError, JobFinishedError, JobNotFoundError
from service.training.jobs import run_files
from service.training.jobs.job import Job
from service.training.jobs.requests import JobRequest
from service.training.jobs.store import JobStore
from service.training.queue.heartbeats import Heartbeat

NewJob = Callable[..., Job]

NEVER = Event()


def test_a_new_job_is_queued(jobs: JobStore, new_job: NewJob) -> None:
    job = new_job(steps=7)
    assert (job.status, job.is_final, job.cancel_requested) == ("queued", False, False)
    assert job.progress.fraction == 0
    assert job.request.budget.steps == 7
    assert JobStore(jobs.root).get(job.id) == job
    assert [event.data for event in jobs.event_log(job.id).read()] == [{"status": "queued"}]


def test_ids_are_unique_and_sort_by_time(jobs: JobStore, new_job: NewJob) -> None:
    made = [new_job().id for _ in range(20)]
    assert made == sorted(set(made)) == [job.id for job in jobs.list()]


@pytest.mark.parametrize("job", ["", "../x", "20250101-000000000000-abcdef", "20250101-000000000000-abcdef\n"])
def test_an_unknown_job_is_not_found(jobs: JobStore, job: str) -> None:
    for call in (jobs.get, jobs.look, jobs.cancel, jobs.plan, jobs.event_log):
        with pytest.raises(JobNotFoundError):
            call(job)
    assert jobs.list() == []


def test_a_job_that_has_not_begun_is_cancelled_at_once(jobs: JobStore, new_job: NewJob) -> None:
    job = jobs.cancel(new_job().id)
    assert (job.status, job.is_final) == ("cancelled", True)
    assert job.state.finished
    assert jobs.cancel(job.id) == job
    assert list(jobs.unfinished()) == []


def test_a_job_whose_worker_died_is_cancelled_at_once(jobs: JobStore, new_job: NewJob) -> None:
    folder = jobs.folder(new_job().id)
    with jobs.take(folder.name, NEVER) as lease:
        jobs.run(folder.name, lease).start()
    assert jobs.cancel(folder.name).status == "cancelled"


def test_a_job_at_work_is_asked_to_end(jobs: JobStore, new_job: NewJob) -> None:
    folder = jobs.folder(new_job().id)
    with jobs.take(folder.name, NEVER) as lease:
        run = jobs.run(folder.name, lease)
        run.start()
        assert not run.cancel_requested()
        job = jobs.cancel(folder.name)
        assert (job.status, job.cancel_requested, run.cancel_requested()) == ("running", True, True)
        run.cancel()
    assert jobs.get(folder.name).status == "cancelled"


def test_a_job_that_has_ended_cannot_be_cancelled(jobs: JobStore, new_job: NewJob) -> None:
    folder = jobs.folder(new_job().id)
    with jobs.take(folder.name, NEVER) as lease:
        jobs.run(folder.name, lease).fail("the text is too short")
    with pytest.raises(JobFinishedError, match="failed already"):
        jobs.cancel(folder.name)
    job = jobs.get(folder.name)
    assert (job.status, job.state.error, job.cancel_requested) == ("failed", "the text is too short", False)


def test_a_corpus_is_needed_until_its_jobs_have_ended(jobs: JobStore, new_job: NewJob, corpus: Corpus) -> None:
    store = CorpusStore(jobs.root.parent / "corpora", in_use=jobs.using)
    job = new_job()
    with pytest.raises(CorpusInUseError) as caught:
        store.delete(corpus.id)
    assert caught.value.jobs == (job.id,)
    jobs.cancel(job.id)
    store.delete(corpus.id)


def test_half_a_job_is_no_job(jobs: JobStore, new_job: NewJob) -> None:
    job = new_job()
    with draft_folder(jobs.root) as half:
        (half / run_files.REQUEST).write_text("{")
        assert [job.id for job in jobs.list()] == [job.id]
        new_job()
        assert half.exists(), "it is still being made"
    assert not half.exists()


def test_jobs_are_counted_by_status(jobs: JobStore) -> None:
    assert jobs.count_by_status() == {}
    created = [jobs.create(JobRequest("corpus", "model")).id for _ in range(3)]
    assert jobs.count_by_status() == {"queued": 3}
    for job in created[:2]:
        jobs.cancel(job)
    assert jobs.count_by_status() == jobs.count_by_status() == {"queued": 1, "cancelled": 2}
    Heartbeat(jobs.root).beat()
    assert sum(jobs.count_by_status().values()) == 3
