"""Stores of corpora, jobs and models in a directory of their own, and a job that is done in moments."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from model_store import ModelStore
from service.training.corpora.corpus import Corpus
from service.training.corpora.store import CorpusStore
from service.training.jobs.job import Job
from service.training.jobs.requests import JobRequest
from service.training.jobs.store import JobStore
from tests.texts import FOX


@pytest.fixture
def corpora(tmp_path: Path) -> CorpusStore:
    return CorpusStore(tmp_path / "corpora")


@pytest.fixture
def jobs(tmp_path: Path) -> JobStore:
    return JobStore(tmp_path / "runs")


@pytest.fixture
def models(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "models")


@pytest.fixture
def corpus(corpora: CorpusStore) -> Corpus:
    return corpora.add([FOX.encode()], "fox")[0]


@pytest.fixture
def new_job(jobs: JobStore, corpus: Corpus) -> Callable[..., Job]:
    def create(steps: int = 20, **fields: object) -> Job:
        sizes = {"hidden_size": 8, "embedding_size": 0, "batch_size": 2, "segment_length": 8}
        values = {"corpus": corpus.id, "model": "fox", "budget": {"steps": steps}, **sizes, **fields}
        return jobs.create(JobRequest.from_dict(values))

    return create
