"""A job's minutes, from when a worker takes it up until its version is published, by a clock that every look moves."""

from __future__ import annotations

import math
from collections.abc import Callable
from threading import Event
from typing import Any

import pytest

from charrnn.checkpoint import Checkpoint
from charrnn.training.config import Budget
from model_store import ModelStore
from service.training.corpora.corpus import Corpus
from service.training.corpora.store import CorpusStore
from service.training.excerpts import Excerpt
from service.training.jobs.job import Job
from service.training.jobs.requests import JobRequest
from service.training.jobs.store import JobStore
from service.training.units import KIND
from service.training.worker.measuring import NO_TIME
from service.training.worker.minutes import (
    PREPARATION_SHARE,
    SEARCH_SECONDS,
    SEARCH_SHARE,
    prepared,
    reserve,
    search_seconds,
)
from tests.service.training.runners import Clock, job_runner

NEVER = Event()
FOUND: dict[str, Any] = {
    "measured_on": {"characters": 1, "held_out": True},
    "cells": [],
    "not_found": [],
    "undecided": [],
}
Check = Callable[[], None]


class Search:
    """One that looks at the clock so many times, some time apart."""

    def __init__(self, clock: Clock, times: float, apart: float) -> None:
        self.clock, self.times, self.apart = clock, times, apart
        self.took = 0.0

    def __call__(self, _checkpoint: Checkpoint, _excerpt: Excerpt, check: Check) -> dict[str, Any]:
        done, began = 0, self.clock.now
        while done < self.times:
            self.clock.now += self.apart
            self.took = self.clock.now - began
            check()
            done += 1
        return FOUND


class StoppedAt(Event):
    """Set when the job has done so many of steps that it knows the number of."""

    def __init__(self, jobs: JobStore, job: str, step: int) -> None:
        super().__init__()
        self.jobs, self.job, self.step = jobs, job, step

    def is_set(self) -> bool:
        progress = self.jobs.get(self.job).progress
        return progress.steps is not None and progress.step >= self.step


@pytest.fixture
def new(jobs: JobStore, corpus: Corpus) -> Callable[[], Job]:
    sizes: dict[str, Any] = {"hidden_size": 8, "embedding_size": 0, "batch_size": 2, "segment_length": 8}
    return lambda: jobs.create(JobRequest(corpus.id, "fox", sizes, budget=Budget(minutes=1)))


@pytest.mark.parametrize(
    ("preparation", "looks", "apart", "found"),
    [(0, 8, 0.4, True), (4, 10, 2.5, False), (14, 8, 0.4, True), (14, math.inf, 0.1, False)],
)
def test_the_whole_job_takes_its_minutes_within_a_tenth(
    jobs: JobStore,
    corpora: CorpusStore,
    models: ModelStore,
    new: Callable[[], Job],
    preparation: float,
    looks: float,
    apart: float,
    found: bool,
) -> None:
    job, clock = new(), Clock(0.2)
    clock.now = preparation
    search = Search(clock, looks, apart)
    assert job_runner(jobs, corpora, models, find=search, clock=clock).run(job.id, NEVER, began=0) == "ended"
    job = jobs.get(job.id)
    assert job.status == "succeeded" and preparation < job.progress.seconds < 60
    assert job.progress.seconds + search.took == pytest.approx(60, rel=0.1)
    assert (models.kept("fox", 1, KIND) is not None) is found
    assert (NO_TIME in job.warnings) is not found


def test_what_passes_until_another_worker_goes_on_is_not_counted(
    jobs: JobStore, corpora: CorpusStore, models: ModelStore, new: Callable[[], Job]
) -> None:
    job, clock = new(), Clock()
    runner = job_runner(jobs, corpora, models, find=Search(clock, 1, 3), clock=clock)
    assert runner.run(job.id, StoppedAt(jobs, job.id, 40)) == "handed over"
    before = jobs.get(job.id).progress
    clock.now += 1000
    assert runner.run(job.id, NEVER, began=0) == "ended"
    after, record = jobs.get(job.id).progress, models.describe("fox", 1).record.json
    assert before.steps and 40 <= before.step < after.step == pytest.approx(before.steps, rel=0.1)
    assert 50 < after.seconds < 60
    assert after.step == record["steps_total"] == [before.steps, *(e["steps_total"] for e in record["replanned"])][-1]


def test_other_budgets_know_no_minutes() -> None:
    for budget in (Budget(steps=10), Budget(epochs=1.5)):
        assert (reserve(budget), prepared(budget, 14), search_seconds(budget, 1e6)) == (0, 0, math.inf)


@pytest.mark.parametrize("minutes", [0.01, 0.5, 1, 5, 60, 100_000])
def test_training_has_most_of_the_minutes_and_a_search_what_is_left_of_a_tenth(minutes: float) -> None:
    budget, seconds = Budget(minutes=minutes), 60 * minutes
    assert 0 < reserve(budget) < 0.1 * seconds
    assert prepared(budget, 0.01) == 0.01 and prepared(budget, 1e9) == PREPARATION_SHARE * seconds
    assert search_seconds(budget, 2 * seconds) == min(SEARCH_SECONDS, SEARCH_SHARE * seconds)
    assert seconds < seconds - reserve(budget) + search_seconds(budget, seconds - reserve(budget))
    assert search_seconds(budget, seconds - reserve(budget)) + seconds - reserve(budget) < 1.1 * seconds
