"""The stores of one of several machines, in an object store, and its mirror of them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final

from durable import files
from durable.objects import Objects
from model_store.shared import SharedModelStore
from service.bootstrap.keys import build_keys
from service.bootstrap.stores import Stores
from service.cluster import RENEW_SECONDS, Cluster
from service.mirror.counted import CountedObjects
from service.mirror.schedule import SHORTEST as USUAL
from service.mirror.schedule import Subject
from service.mirror.shared import SharedMirror
from service.redis_servers.clients import client
from service.redis_servers.hints import CORPORA, KEYS, MODELS, RUNS, Hints
from service.settings import Settings
from service.store_format import check_store, cluster_of
from service.training.corpora.shared import SharedCorpusStore
from service.training.jobs.shared import SharedJobStore

LONGEST: Final = {KEYS: 9.0, MODELS: 7.0, CORPORA: 15.0, RUNS: 8.0}
"""After how many seconds each part of the mirror is looked at again even if nothing has changed for long, and there was
no hint. Without Redis, this is when a promotion is seen. Ten idle machines ask for some 17,000 lists an hour."""
SHORTEST: Final = {RUNS: 1.5}
"""Where it is not the usual one: a job that another machine runs is renewed so often, and the sooner its last renewal
is seen, the sooner it is taken over."""
REDIS_SECONDS: Final = 1.0
"""How long each answer of Redis may take that says of which cluster it is."""
NEEDED: Final = (KEYS, MODELS)
"""What must have been mirrored before anything is served; corpora and jobs are looked for in the store meanwhile."""


def open_shared(settings: Settings, objects: Objects) -> Stores:
    """Nothing is asked of the store yet."""
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
    subjects = [Subject(name, refresh, LONGEST[name], SHORTEST.get(name, USUAL)) for name, refresh in refreshed.items()]
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
