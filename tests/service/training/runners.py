"""A runner of jobs over the stores of a test, with a clock and an end that do not depend on the machine's speed."""

from __future__ import annotations

from threading import Event
from typing import Any

from model_store import ModelStore
from service.training.corpora.store import CorpusStore
from service.training.jobs.store import JobStore
from service.training.worker.job_trainer import JobTrainer
from service.training.worker.runner import JobRunner

SAMPLE_LENGTH = 12


def job_runner(jobs: JobStore, corpora: CorpusStore, models: ModelStore, **options: Any) -> JobRunner:
    """`options` are those of JobTrainer; samples are short, because most of the time would be spent on them."""
    return JobRunner(jobs, models, JobTrainer(corpora, models, **{"sample_length": SAMPLE_LENGTH} | options))


class Clock:
    """Every look at it takes so many seconds."""

    def __init__(self, seconds: float = 0.1) -> None:
        self.seconds, self.now = seconds, 0.0

    def __call__(self) -> float:
        self.now += self.seconds
        return self.now


class StopAfter(Event):
    """Set once it was looked at so many times: a runner with a Clock(0.5) looks after each step."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self.looks = looks

    def is_set(self) -> bool:
        self.looks -= 1
        return self.looks < 0
