"""Jobs run for real, in moments, on a network of 8 units."""

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from charrnn.checkpoint import Checkpoint
from charrnn.training.config import Budget, ValidationSplit
from model_store import ModelStore
from service.training.corpora.corpus import Corpus
from service.training.corpora.store import CorpusStore
from service.training.jobs import resume_points, run_files
from service.training.jobs.job import Job
from service.training.jobs.lease import Lease
from service.training.jobs.requests import JobRequest
from service.training.jobs.run import Run
from service.training.jobs.store import JobStore
from service.training.worker.job_trainer import JobTrainer
from service.training.worker.runner import MAX_DEATHS, JobRunner
from tests.disk import largest_file, mounted
from tests.service.training.runners import SAMPLE_LENGTH, Clock, StopAfter, job_runner
from tests.waiting import LONGEST

NewJob = Callable[..., Job]

NEVER = Event()


@pytest.fixture
def runner(jobs: JobStore, corpora: CorpusStore, models: ModelStore) -> JobRunner:
    return job_runner(jobs, corpora, models)


@pytest.fixture
def stepwise(jobs: JobStore, corpora: CorpusStore, models: ModelStore) -> JobRunner:
    """Its clock goes on by half a second at each look, so that the trainer reports each step."""
    return job_runner(jobs, corpora, models, clock=Clock(0.5))


def test_a_job_is_trained_and_its_model_published(
    runner: JobRunner, jobs: JobStore, models: ModelStore, new_job: NewJob
) -> None:
    job = new_job(steps=20)
    assert runner.run(job.id, NEVER) == "ended"
    job = jobs.get(job.id)
    assert (job.status, job.state.version, job.state.promoted, job.state.error) == ("succeeded", 1, True, None)
    assert (job.progress.fraction, job.progress.step) == (1.0, 20)
    assert job.state.finished
    record = models.describe("fox", models.resolve("fox")).record.json
    assert record["steps"] == 20
    assert record["corpus"]["name"] == "fox"
    assert record["validation_loss"] == job.progress.validation_loss
    assert record["yardsticks"].keys() == {"ppm", "xz", "training", "held_out"}
    assert models.history("fox")[0].reason == f"job {job.id}"


def test_a_jobs_corpus_is_read_once(jobs: JobStore, corpora: CorpusStore, models: ModelStore, new_job: NewJob) -> None:
    class CountingStore(CorpusStore):
        read = 0

        def get(self, corpus: str) -> Corpus:
            self.read += 1
            return super().get(corpus)

    counting = CountingStore(corpora.root)
    assert job_runner(jobs, counting, models).run(new_job(steps=1).id, NEVER) == "ended"
    assert counting.read == 1


def test_what_happened_can_be_read_in_order(runner: JobRunner, jobs: JobStore, new_job: NewJob) -> None:
    job = new_job(steps=20)
    runner.run(job.id, NEVER)
    statuses = [event.data["status"] for event in jobs.event_log(job.id).read() if event.kind == "status"]
    assert statuses == ["queued", "running", "succeeded"]
    lines = jobs.event_log(job.id).metrics()
    assert [line["step"] for line in lines] == sorted(line["step"] for line in lines)
    assert lines[-1]["step"] == 20
    assert {"validation_loss", "bits_per_character", "learning_rate", "gradient_norm"} <= lines[-1].keys()


def test_a_measurement_says_nothing_of_another_moment(stepwise: JobRunner, jobs: JobStore, new_job: NewJob) -> None:
    job = new_job(steps=60)
    stepwise.run(job.id, NEVER)
    events = [event for event in jobs.event_log(job.id).read() if event.kind in {"metrics", "evaluation"}]
    assert {event.kind for event in events} == {"metrics", "evaluation"}
    for event in events:
        assert ("validation_loss" in event.data) == (event.kind == "evaluation")
        assert event.data.get("characters_per_second", 1) > 0
        assert event.data["step"] == 0 or event.data["characters_per_second"] > 0
    progress = jobs.get(job.id).progress
    assert progress.validation_step == 60 and progress.characters_per_second


def test_a_text_whose_end_is_of_another_kind_is_learned_and_one_is_warned(
    runner: JobRunner, jobs: JobStore, models: ModelStore, corpora: CorpusStore
) -> None:
    text = "the quick brown fox jumps over the lazy dog\n" * 60 + "η γρήγορη καφέ αλεπού πηδά πάνω από τον σκύλο\n" * 9
    corpus, _ = corpora.add([text.encode()], "mixed")
    sizes: dict[str, Any] = {"hidden_size": 8, "embedding_size": 0, "batch_size": 2, "segment_length": 8}
    splits: list[tuple[ValidationSplit | None, bool]] = [(None, False), ("end", True)]
    for version, (split, warned) in enumerate(splits, start=1):
        settings = sizes if split is None else {**sizes, "validation_split": split}
        job = jobs.create(JobRequest(corpus.id, "mixed", settings, budget=Budget(steps=30)))
        runner.run(job.id, NEVER)
        record, job = models.describe("mixed", version).record.json, jobs.get(job.id)
        assert (job.status, job.state.promoted) == ("succeeded", True)
        assert record["best_step"] > 0 and record["training"]["validation_split"] == (split or "blocks")
        assert list(job.warnings) == record["warnings"] and bool(job.warnings) is warned
        told = [event.data["warnings"] for event in jobs.event_log(job.id).read() if event.kind == "warnings"]
        assert (told[-1:] or [[]]) == [record["warnings"]]


def test_a_version_of_a_short_text_serves_although_no_loss_says_that_it_is_better(
    runner: JobRunner, jobs: JobStore, models: ModelStore, corpora: CorpusStore
) -> None:
    corpus, _ = corpora.add([b"a text that is far too short to hold anything out"], "short")
    for version in (1, 2):
        job = jobs.create(JobRequest(corpus.id, "short", {"hidden_size": 8}, budget=Budget(steps=3)))
        runner.run(job.id, NEVER)
        assert models.resolve("short") == version


def test_a_plan_from_before_there_were_blocks_holds_out_the_end(
    runner: JobRunner, jobs: JobStore, models: ModelStore, new_job: NewJob
) -> None:
    job = new_job()
    runner.run(new_job(steps=1).id, NEVER)
    plan = json.loads((jobs.folder(jobs.ids()[-1]) / run_files.PLAN).read_text())
    plan["training"] |= {"budget": {"steps": 20}}
    del plan["training"]["validation_split"]
    run_files.write_json(jobs.folder(job.id) / run_files.PLAN, plan)
    assert runner.run(job.id, NEVER) == "ended"
    assert models.describe("fox", 2).record.json["training"]["validation_split"] == "end"


def test_samples_tell_how_a_network_came_to_write(runner: JobRunner, jobs: JobStore, new_job: NewJob) -> None:
    job = new_job(steps=100)
    runner.run(job.id, NEVER)
    timeline = jobs.event_log(job.id).samples()
    by_share = {told["fraction"]: told for told in timeline}
    assert {0.0, 0.01, 0.05, 0.2, 1.0} <= by_share.keys()
    assert by_share[0.05]["step"] == 5
    assert by_share[1.0]["characters"] == jobs.event_log(job.id).metrics()[-1]["characters"]
    assert [told["step"] for told in timeline] == sorted({told["step"] for told in timeline})
    asked = [[(sample["prompt"], sample["seed"]) for sample in told["samples"]] for told in timeline]
    assert all(prompts == asked[0] for prompts in asked)
    evaluated = {line["step"] for line in jobs.event_log(job.id).metrics() if "gradient_norms" in line}
    assert {told["step"] for told in timeline} - evaluated == {1, 5, 20}


def test_a_job_handed_over_has_the_samples_and_the_bytes_of_an_undisturbed_one(
    runner: JobRunner, stepwise: JobRunner, jobs: JobStore, corpora: CorpusStore, models: ModelStore, new_job: NewJob
) -> None:
    whole, parts = new_job(steps=150), new_job(steps=150)
    runner.run(whole.id, NEVER)
    reached = []
    for looks in (1, 3, 9, 25, 35):  # to where it writes samples, and to steps in between
        assert stepwise.run(parts.id, StopAfter(looks)) == "handed over"
        between = jobs.get(parts.id)
        assert (between.status, models.versions("fox")) == ("queued", [1])
        reached.append(between.progress.step)
    assert reached == sorted(reached) and len(set(reached)) > 3 and reached[-1] < 150
    assert runner.run(parts.id, NEVER) == "ended"
    assert jobs.event_log(parts.id).samples() == jobs.event_log(whole.id).samples()
    assert models.describe("fox", 2).digest == models.describe("fox", 1).digest


def test_a_job_that_has_ended_is_not_run_again(
    runner: JobRunner, jobs: JobStore, models: ModelStore, new_job: NewJob
) -> None:
    job = new_job()
    runner.run(job.id, NEVER)
    before = jobs.get(job.id)
    assert runner.run(job.id, NEVER) == "ended"
    assert jobs.get(job.id) == before
    assert models.versions("fox") == [1]


def test_a_worker_that_is_to_end_begins_nothing(runner: JobRunner, jobs: JobStore, new_job: NewJob) -> None:
    job, stop = new_job(), Event()
    stop.set()
    assert runner.run(job.id, stop) == "handed over"
    assert jobs.get(job.id).status == "queued"


def test_a_damaged_resume_point_costs_no_more_than_its_steps(
    runner: JobRunner, stepwise: JobRunner, jobs: JobStore, models: ModelStore, new_job: NewJob
) -> None:
    job = new_job(steps=60)
    stepwise.run(job.id, StopAfter(30))
    folder = jobs.folder(job.id)
    sound = resume_points.newest_step(folder)
    (folder / resume_points.name_of(59)).write_bytes(resume_points.sealed(b"not a resume point"))
    (folder / resume_points.name_of(58)).write_bytes(b"damaged")
    assert 0 < sound < 58
    assert runner.run(job.id, NEVER) == "ended"
    assert (jobs.get(job.id).status, models.versions("fox")) == ("succeeded", [1])


def test_a_full_disk_costs_a_resume_point_but_not_the_job(
    runner: JobRunner, stepwise: JobRunner, jobs: JobStore, models: ModelStore, new_job: NewJob
) -> None:
    job = new_job(steps=40, hidden_size=64)
    with largest_file(64 << 10):
        stepwise.run(job.id, StopAfter(20))
    assert 0 < jobs.get(job.id).progress.step < 40
    names = {path.name for path in jobs.folder(job.id).iterdir()}
    assert not [name for name in names if name.startswith(("resume-", ".draft-"))]
    assert jobs.get(job.id).status == "queued"
    runner.run(job.id, NEVER)
    assert (jobs.get(job.id).status, models.versions("fox")) == ("succeeded", [1])


@pytest.mark.parametrize("step", ["publish_if", "keep", "set_alias_if"])
def test_a_disk_that_is_full_at_the_last_step_is_waited_for(
    jobs: JobStore, corpora: CorpusStore, models: ModelStore, new_job: NewJob, step: str
) -> None:
    job, said = new_job(), list[tuple[str, ...]]()

    class Full(ModelStore):
        def __getattribute__(self, name: str) -> Any:
            if name == step and len(said) < 3:
                said.append(jobs.get(job.id).warnings)
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().__getattribute__(name)

    trainer = JobTrainer(corpora, models, sample_length=SAMPLE_LENGTH)
    assert JobRunner(jobs, Full(models.root), trainer, retry_seconds=0).run(job.id, NEVER) == "ended"
    assert [each[:1] and each[0].startswith("disk full since") for each in said] == [(), True, True]
    done = jobs.get(job.id)
    assert (done.status, done.state.version, done.state.promoted, done.warnings) == ("succeeded", 1, True, ())
    assert models.versions("fox") == [1], "published once"
    assert models.kept("fox", 1, "scores") is not None


def test_a_worker_that_ends_while_the_disk_is_full_leaves_the_job_to_the_next(
    runner: JobRunner, jobs: JobStore, corpora: CorpusStore, models: ModelStore, new_job: NewJob
) -> None:
    job, stop = new_job(), Event()

    class Full(ModelStore):
        def publish_if(self, name: str, checkpoint: Checkpoint, condition: Callable[[], bool]) -> int | None:
            stop.set()
            raise OSError(errno.ENOSPC, "No space left on device")

    trainer = JobTrainer(corpora, models, sample_length=SAMPLE_LENGTH)
    assert JobRunner(jobs, Full(models.root), trainer).run(job.id, stop) == "handed over"
    assert (jobs.get(job.id).status, models.models()) == ("queued", [])
    assert runner.run(job.id, NEVER) == "ended"
    assert jobs.get(job.id).status == "succeeded"


def test_a_job_on_a_real_disk_without_space_says_so_and_goes_on_when_there_is_some(
    tmp_path: Path, corpora: CorpusStore, new_job: NewJob
) -> None:
    asked, disk = new_job().request, tmp_path / "disk"
    disk.mkdir()
    with mounted(disk, "size=1m"):
        jobs, models = JobStore(disk / "runs"), ModelStore(disk / "models")
        job = jobs.create(asked)
        with pytest.raises(OSError, match="No space"):
            (disk / "large").write_bytes(bytes(2 << 20))
        trainer = JobTrainer(corpora, models, sample_length=SAMPLE_LENGTH)
        with pytest.raises(OSError, match="No space"):
            jobs.create(asked)
        runner = JobRunner(jobs, models, trainer, retry_seconds=0.02)
        assert runner.run(job.id, NEVER) == "not mine", "not even a lease can be written"
        assert jobs.get(job.id).warnings[0].startswith("disk full since")
        os.truncate(disk / "large", (1 << 20) - (20 << 10))
        thread = Thread(target=runner.run, args=(job.id, NEVER), daemon=True)
        thread.start()
        while thread.is_alive():
            if jobs.get(job.id).status == "running" and jobs.get(job.id).warnings:
                (disk / "large").unlink(missing_ok=True)
        assert not (disk / "large").exists(), "the job has waited"
        assert (jobs.get(job.id).status, jobs.get(job.id).warnings) == ("succeeded", ())


def test_a_job_that_another_worker_trains_is_left_to_it(runner: JobRunner, jobs: JobStore, new_job: NewJob) -> None:
    job = new_job()
    stop = Event()
    stop.set()
    with Lease.take(jobs.folder(job.id)):
        assert runner.run(job.id, stop) == "not mine"
    assert jobs.get(job.id).status == "queued"


def test_a_cancelled_job_ends_soon_and_publishes_nothing(
    runner: JobRunner, jobs: JobStore, models: ModelStore, new_job: NewJob
) -> None:
    job = new_job(steps=1_000_000)
    thread = Thread(target=runner.run, args=(job.id, NEVER), daemon=True)
    thread.start()
    while jobs.get(job.id).progress.step == 0:
        thread.join(0.01)
        assert thread.is_alive()
    jobs.cancel(job.id)
    thread.join(LONGEST)
    assert not thread.is_alive()
    assert jobs.get(job.id).status == "cancelled"
    assert models.models() == []


def test_a_version_published_before_its_worker_died_is_not_published_twice(
    runner: JobRunner, jobs: JobStore, models: ModelStore, new_job: NewJob
) -> None:
    job = new_job()
    runner.run(job.id, NEVER)
    (jobs.folder(job.id) / run_files.STATUS).unlink()
    assert jobs.get(job.id).status == "queued"
    assert runner.run(job.id, NEVER) == "ended"
    assert models.versions("fox") == [1]
    assert jobs.get(job.id).state.version == 1


def test_a_worker_that_died_before_it_published_is_made_up_for(
    runner: JobRunner, jobs: JobStore, models: ModelStore, new_job: NewJob
) -> None:
    job = new_job()
    run_files.write_json(jobs.folder(job.id) / run_files.INTENT, {"digest": "0" * 64, "after": 0})
    runner.run(job.id, NEVER)
    assert (jobs.get(job.id).status, models.versions("fox")) == ("succeeded", [1])


def test_promote_never_publishes_without_promoting(
    runner: JobRunner, jobs: JobStore, models: ModelStore, new_job: NewJob
) -> None:
    job = new_job(promote="never")
    runner.run(job.id, NEVER)
    assert jobs.get(job.id).state.promoted is False
    assert models.aliases("fox") == {}


def test_a_text_that_is_too_short_fails_with_what_is_needed(runner: JobRunner, jobs: JobStore, new_job: NewJob) -> None:
    job = new_job(segment_length=4000)
    assert runner.run(job.id, NEVER) == "ended"
    state = jobs.get(job.id).state
    assert state.status == "failed"
    assert "at least" in (state.error or "")
    assert "segment_length 4000" in (state.error or "")


def test_a_corpus_that_is_gone_fails_the_job(
    runner: JobRunner, jobs: JobStore, corpora: CorpusStore, new_job: NewJob
) -> None:
    job = new_job()
    corpora.delete(job.request.corpus)
    runner.run(job.id, NEVER)
    assert jobs.get(job.id).state.error == f"there is no corpus {job.request.corpus!r}"


def test_an_unforeseen_error_is_reported_without_its_trace(
    jobs: JobStore, corpora: CorpusStore, models: ModelStore, new_job: NewJob
) -> None:
    class BrokenStore(ModelStore):
        def has(self, name: str) -> bool:
            raise KeyError("/a/path/that/nobody/should/see")

    job = new_job()
    job_runner(jobs, corpora, BrokenStore(models.root)).run(job.id, NEVER)
    assert jobs.get(job.id).state.error == "an error in the worker (KeyError); its log has more"


def test_a_job_that_kills_every_worker_is_given_up(runner: JobRunner, jobs: JobStore, new_job: NewJob) -> None:
    job = new_job()
    folder = jobs.folder(job.id)
    for _ in range(MAX_DEATHS + 1):
        with Lease.take(folder) as lease:
            Run(folder, lease).start()
    runner.run(job.id, NEVER)
    assert "workers in a row died" in (jobs.get(job.id).state.error or "")
