"""A job finds out what its network's cells follow before it publishes, and loses nothing when that goes wrong."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from threading import Event, Thread
from typing import Any

import pytest

from charrnn.checkpoint import Checkpoint
from charrnn.interpretation.annotators import ANNOTATORS
from charrnn.interpretation.survey import MIN_TOKENS
from charrnn.training.config import Budget
from model_store import ModelStore
from service.training.corpora.store import CorpusStore
from service.training.excerpts import Excerpt, excerpt_of, own_held_out
from service.training.jobs import run_files
from service.training.jobs.job import Job
from service.training.jobs.lease import Lease
from service.training.jobs.requests import JobRequest
from service.training.jobs.run import Run
from service.training.jobs.store import JobStore
from service.training.units import KIND, in_words
from service.training.worker.runner import SEARCH_DEATHS
from tests.service.training.runners import job_runner
from tests.waiting import LONGEST

NEVER = Event()
CLAUSES = ["he said ", '"not so" ', "to her and\n", "went (as if) away, ", '"all of it in" ', "vain\n\n"]
TEXT = "".join(random.Random(7).choices(CLAUSES, k=3000))
FOUND: dict[str, Any] = {
    "measured_on": {"characters": 1, "held_out": True},
    "cells": [],
    "not_found": [],
    "undecided": [],
}


@pytest.fixture
def job(jobs: JobStore, corpora: CorpusStore) -> Job:
    corpus, _ = corpora.add([TEXT.encode()], "clauses")
    sizes: dict[str, Any] = {"hidden_size": 8, "embedding_size": 0, "batch_size": 2, "segment_length": 8}
    return jobs.create(JobRequest(corpus.id, "clauses", sizes, budget=Budget(steps=10)))


def test_a_version_comes_with_what_its_cells_follow(
    jobs: JobStore, corpora: CorpusStore, models: ModelStore, job: Job
) -> None:
    assert job_runner(jobs, corpora, models).run(job.id, NEVER) == "ended"
    kept = models.kept("clauses", 1, KIND)
    assert kept is not None
    assert kept["measured_on"]["held_out"] is True
    held_out = models.describe("clauses", 1).record.json["characters"]["validation"]
    assert MIN_TOKENS <= kept["measured_on"]["characters"] <= held_out
    slugs = [each["slug"] for each in kept["cells"] + kept["not_found"] + kept["undecided"]]
    assert sorted(slugs) == sorted(annotator.slug for annotator in ANNOTATORS)


def test_a_text_that_is_too_short_gets_none(
    jobs: JobStore, corpora: CorpusStore, models: ModelStore, new_job: Callable[..., Job]
) -> None:
    job = new_job()
    job_runner(jobs, corpora, models).run(job.id, NEVER)
    assert jobs.get(job.id).status == "succeeded"
    assert models.kept("fox", 1, KIND) is None


def fails(_checkpoint: Checkpoint, _excerpt: Excerpt, _check: Callable[[], None]) -> None:
    raise MemoryError


def test_a_search_that_fails_costs_nothing_else(
    jobs: JobStore, corpora: CorpusStore, models: ModelStore, job: Job
) -> None:
    assert job_runner(jobs, corpora, models, find=fails).run(job.id, NEVER) == "ended"
    assert (jobs.get(job.id).status, models.versions("clauses")) == ("succeeded", [1])
    assert models.kept("clauses", 1, KIND) is None


def test_a_disk_that_is_full_only_costs_time(
    jobs: JobStore, corpora: CorpusStore, models: ModelStore, job: Job
) -> None:
    class OnceFullStore(ModelStore):
        was_full = False

        def keep(self, name: str, version: int, kind: str, value: dict[str, Any]) -> None:
            if not self.was_full:
                self.was_full = True
                raise OSError(28, "No space left on device")
            super().keep(name, version, kind, value)

    job_runner(jobs, corpora, OnceFullStore(models.root)).run(job.id, NEVER)
    assert (jobs.get(job.id).status, models.versions("clauses")) == ("succeeded", [1])
    assert models.kept("clauses", 1, KIND) is not None


class Slow:
    """A search that continues until it is stopped."""

    def __init__(self) -> None:
        self.began = Event()

    def __call__(self, _checkpoint: Checkpoint, _excerpt: Excerpt, check: Callable[[], None]) -> None:
        self.began.set()
        while True:
            check()
            time.sleep(0.01)


def test_a_job_can_be_cancelled_while_it_searches(
    jobs: JobStore, corpora: CorpusStore, models: ModelStore, job: Job
) -> None:
    slow = Slow()
    thread = Thread(target=job_runner(jobs, corpora, models, find=slow).run, args=(job.id, NEVER), daemon=True)
    thread.start()
    assert slow.began.wait(LONGEST)
    jobs.cancel(job.id)
    thread.join(LONGEST)
    assert not thread.is_alive()
    assert (jobs.get(job.id).status, models.models()) == ("cancelled", [])


def test_a_worker_that_ends_while_it_searches_leaves_the_job_to_the_next(
    jobs: JobStore, corpora: CorpusStore, models: ModelStore, job: Job
) -> None:
    slow, stop = Slow(), Event()
    thread = Thread(target=job_runner(jobs, corpora, models, find=slow).run, args=(job.id, stop), daemon=True)
    thread.start()
    assert slow.began.wait(LONGEST)
    stop.set()
    thread.join(LONGEST)
    assert not thread.is_alive()
    assert (jobs.get(job.id).status, models.models()) == ("queued", [])
    job_runner(jobs, corpora, models).run(job.id, NEVER)
    assert jobs.get(job.id).status == "succeeded"
    assert models.kept("clauses", 1, KIND) is not None


def test_a_worker_that_died_between_the_version_and_its_cells_is_made_up_for(
    jobs: JobStore, corpora: CorpusStore, models: ModelStore, job: Job
) -> None:
    job_runner(jobs, corpora, models).run(job.id, NEVER)
    kept = models.kept("clauses", 1, KIND)
    (models.root / "clauses" / f"1.{KIND}.json").unlink()
    (jobs.folder(job.id) / run_files.STATUS).unlink()
    job_runner(jobs, corpora, models, find=fails).run(job.id, NEVER)
    assert models.versions("clauses") == [1]
    assert kept is not None
    assert models.kept("clauses", 1, KIND) == kept


def test_a_search_that_kills_its_workers_is_left_out(
    jobs: JobStore, corpora: CorpusStore, models: ModelStore, job: Job
) -> None:
    for _ in range(SEARCH_DEATHS + 1):
        with Lease.take(jobs.folder(job.id)) as lease:
            Run(jobs.folder(job.id), lease).start()
    job_runner(jobs, corpora, models).run(job.id, NEVER)
    assert jobs.get(job.id).status == "succeeded"
    assert models.kept("clauses", 1, KIND) is None


def test_a_worker_whose_job_was_taken_over_keeps_nothing(
    jobs: JobStore, corpora: CorpusStore, models: ModelStore, job: Job
) -> None:
    def overtaken(_checkpoint: Checkpoint, _excerpt: Excerpt, _check: Callable[[], None]) -> dict[str, Any]:
        lease = jobs.folder(job.id) / "lease.json"
        value = json.loads(lease.read_text())
        run_files.write_json(lease, value | {"token": value["token"] + 1})
        return FOUND

    assert job_runner(jobs, corpora, models, find=overtaken).run(job.id, NEVER) == "not mine"
    assert models.models() == []


def test_what_was_found_in_words() -> None:
    assert in_words(FOUND) == ""
    place = {"layer": 1, "unit": 17, "part": "cell"}
    found = {**FOUND, "cells": [{"follows": "a digit", "measure": "auc", "score": 0.912, "chance": 0.6, **place}]}
    head, line = in_words(found).splitlines()
    assert head == "what its cells follow, along text that was held out:"
    assert line == "  a digit: cell of layer 1, unit 17 (auc 0.91, by chance 0.60)"


def test_the_held_out_part_of_a_version_is_found_again(
    jobs: JobStore, corpora: CorpusStore, models: ModelStore, job: Job
) -> None:
    looked_at: list[Excerpt] = []

    def look(_checkpoint: Checkpoint, excerpt: Excerpt, _check: Callable[[], None]) -> None:
        looked_at.append(excerpt)

    job_runner(jobs, corpora, models, find=look).run(job.id, NEVER)
    checkpoint, corpus = models.load("clauses", 1), corpora.get(job.request.corpus)
    held_out = own_held_out(checkpoint.record, checkpoint.vocabulary, corpora, corpus)
    assert len(held_out) == checkpoint.record.json["characters"]["validation"] > 0
    assert len(held_out.bounds) > 1
    path = corpora.path(corpus)
    assert looked_at == [excerpt_of(path, held_out, checkpoint.vocabulary, 320_000, MIN_TOKENS)]
    assert looked_at[0].is_held_out
