"""The stores that the settings name, for every process and command: nothing else knows whether they are in DATA_DIR
alone or shared with other machines."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from durable import files
from durable.objects import Objects
from durable.opening import open_objects
from model_store.shared import SharedModelStore
from model_store.store import ModelStore
from service.bootstrap.keys import Keys, build_keys
from service.cluster import RENEW_SECONDS, Cluster
from service.mirror.counted import CountedObjects
from service.mirror.mirror import Mirror, SharedMirror
from service.mirror.schedule import Subject
from service.redis_servers.clients import client
from service.redis_servers.hints import CORPORA, KEYS, MODELS, RUNS, Hints
from service.settings import Settings
from service.store_format import check_alone, check_store, cluster_of
from service.training.corpora.shared import SharedCorpusStore
from service.training.corpora.store import CorpusStore
from service.training.jobs.shared import SharedJobStore
from service.training.jobs.store import JobStore

LONGEST: Final = {KEYS: 9.0, MODELS: 7.0, CORPORA: 15.0, RUNS: 8.0}
"""After how many seconds each part of the mirror is looked at again even if nothing has changed for long, and there was
no hint. Without Redis, this is when a promotion is seen. Ten idle machines ask for some 17,000 lists an hour."""
REDIS_SECONDS: Final = 1.0
"""How long each answer of Redis may take that says of which cluster it is."""
NEEDED: Final = (KEYS, MODELS)
"""What must have been mirrored before anything is served; corpora and jobs are looked for in the store meanwhile."""


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
        return _shared(settings, objects)
    paths = settings.data
    check_alone(paths.store)
    jobs = JobStore(paths.runs)
    corpora = CorpusStore(paths.corpora, settings.max_corpus_bytes, in_use=jobs.using)
    return Stores(ModelStore(paths.models), corpora, jobs, Mirror())


def _shared(settings: Settings, objects: Objects) -> Stores:
    paths, hints, counted = settings.data, Hints(settings.redis_url), CountedObjects(objects)

    def announce(subject: str) -> Callable[[], None]:
        return partial(hints.publish, subject)

    most = settings.mirror_bytes
    models = SharedModelStore(paths.models, counted, most_bytes=most, announce=announce(MODELS))
    jobs = SharedJobStore(paths.runs, counted, announce=announce(RUNS))
    corpora = SharedCorpusStore(
        paths.corpora,
        counted,
        settings.max_corpus_bytes,
        in_use=jobs.using,
        max_cached_bytes=most,
        announce=announce(CORPORA),
    )
    keys = build_keys(settings, counted, announce(KEYS))
    refreshed = {
        KEYS: keys.shared.refresh if keys.shared else bool,
        MODELS: models.refresh,
        CORPORA: corpora.refresh,
        RUNS: jobs.refresh,
    }
    subjects = [Subject(name, refresh, LONGEST[name]) for name, refresh in refreshed.items()]
    cluster = _cluster(settings, counted)
    if cluster is not None:
        subjects.append(Subject("cluster", cluster.refresh, RENEW_SECONDS))
    mirror = SharedMirror(
        settings.store_url or str(objects),
        subjects,
        NEEDED,
        hints,
        may_mirror=partial(_check, settings, counted, cluster),
        requests=counted.requests,
        lock=paths.refresh_lock,
        report=paths.mirror,
    )
    return Stores(models, corpora, jobs, mirror, keys)


def _cluster(settings: Settings, objects: Objects) -> Cluster | None:
    """None where each machine has a Redis of its own: then no two are of one cluster."""
    url = settings.redis_url
    with suppress(OSError):
        if url == files.read(settings.data.redis_url).decode():
            return None
    return Cluster(objects, partial(cluster_of, objects), client(url, REDIS_SECONDS, REDIS_SECONDS)) if url else None


def _check(settings: Settings, objects: Objects, cluster: Cluster | None) -> None:
    """Make the data directory, and check that it may mirror the store. Raises DataFormatError, OSError, among these
    OtherClusterError."""
    paths = settings.data
    paths.make()
    check_store(objects, paths.store, [paths.models, paths.corpora, paths.runs])
    if cluster is not None:
        cluster.refresh()
