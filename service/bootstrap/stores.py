"""The stores that the settings name, for every process and command: nothing else knows whether they are in DATA_DIR
alone or shared with other machines. What only the latter need is loaded only then."""

from __future__ import annotations

import importlib
from dataclasses import dataclass

from durable.objects import Objects
from durable.opening import open_objects
from model_store.store import ModelStore
from service.bootstrap.keys import Keys
from service.mirror.mirror import Mirror
from service.settings import Settings
from service.store_format import check_alone
from service.training.corpora.store import CorpusStore
from service.training.jobs.store import JobStore


@dataclass(frozen=True, slots=True)
class Stores:
    """What is kept: models, texts to train on, and jobs; the mirror that they are read from; and the keys, if they are
    shared as well."""

    models: ModelStore
    corpora: CorpusStore
    jobs: JobStore
    mirror: Mirror
    keys: Keys | None = None


def open_stores(settings: Settings, objects: Objects | None = None) -> Stores:
    """The stores in DATA_DIR, or in the object store of STORE_URL (by default, `objects`), of which nothing is asked
    yet. Raises StoreSettingsError, and DataFormatError for a DATA_DIR that mirrors a store, if STORE_URL is empty."""
    if objects is None and settings.store_url:
        objects = open_objects(settings.store_url)
    if objects is not None:
        stores: Stores = importlib.import_module("service.bootstrap.shared_stores").open_shared(settings, objects)
        return stores
    paths = settings.data
    check_alone(paths.store)
    jobs = JobStore(paths.runs)
    corpora = CorpusStore(paths.corpora, settings.max_corpus_bytes, in_use=jobs.using)
    return Stores(ModelStore(paths.models), corpora, jobs, Mirror())
