"""The stores that the settings name, for every process and command: nothing else knows whether they are in DATA_DIR
alone or shared with other machines."""

from __future__ import annotations

from dataclasses import dataclass

from model_store.store import ModelStore
from service.settings import Settings
from service.training.corpora.store import CorpusStore
from service.training.jobs.store import JobStore


@dataclass(frozen=True, slots=True)
class Stores:
    """What is kept: the models, the texts to train on, and the jobs."""

    models: ModelStore
    corpora: CorpusStore
    jobs: JobStore


def open_stores(settings: Settings) -> Stores:
    """The stores in DATA_DIR; nothing is read yet."""
    paths = settings.data
    jobs = JobStore(paths.runs)
    corpora = CorpusStore(paths.corpora, settings.max_corpus_bytes, in_use=jobs.using)
    return Stores(ModelStore(paths.models), corpora, jobs)
