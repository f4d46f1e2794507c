"""A runner of jobs over the stores of a test."""

from __future__ import annotations

from typing import Any

from model_store import ModelStore
from service.training.corpora import CorpusStore
from service.training.job_trainer import JobTrainer
from service.training.jobs import JobStore
from service.training.runner import JobRunner


def job_runner(jobs: JobStore, corpora: CorpusStore, models: ModelStore, **options: Any) -> JobRunner:
    """`options` are those of JobTrainer."""
    return JobRunner(jobs, models, JobTrainer(corpora, models, **options))
