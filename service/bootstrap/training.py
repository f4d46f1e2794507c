"""Builds what trains from the settings: for a worker, which takes jobs from the queue, and for a terminal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from model_store.store import ModelStore
from service.bootstrap.stores import Stores, open_stores
from service.mirror.mirror import Mirror
from service.output import STANDARD_ERROR
from service.settings import Settings
from service.training.corpora.store import CorpusStore
from service.training.jobs.store import JobStore
from service.training.queue.figures import Figures, StoreRequests
from service.training.queue.heartbeats import Heartbeat
from service.training.queue.job_queue import JobConsumer, JobQueue
from service.training.queue.reconciler import Reconciler
from service.training.queue.shared_heartbeats import SharedHeartbeat
from service.training.worker.job_trainer import JobTrainer
from service.training.worker.runner import JobRunner
from service.training.worker.worker import Consume, Worker

NewTrainer = Callable[[CorpusStore, ModelStore], JobTrainer]


@dataclass(frozen=True, slots=True)
class Training:
    """The stores, shared with a running service, the mirror that they are read from, and what runs a job."""

    jobs: JobStore
    corpora: CorpusStore
    models: ModelStore
    mirror: Mirror
    runner: JobRunner


def build_trainer(
    settings: Settings, *, new_trainer: NewTrainer = JobTrainer, stores: Stores | None = None
) -> Training:
    """Build what runs jobs in this process, in these stores or those that the settings name; `new_trainer` creates the
    trainer of a job. Raises OSError if there is no data directory and none can be made."""
    settings.data.make()
    stores = stores or open_stores(settings)
    runner = JobRunner(stores.jobs, stores.models, new_trainer(stores.corpora, stores.models))
    return Training(stores.jobs, stores.corpora, stores.models, stores.mirror, runner)


def build_worker(
    settings: Settings,
    *,
    queue: JobQueue | None = None,
    consume: Consume | None = None,
    new_trainer: NewTrainer = JobTrainer,
    training: Training | None = None,
) -> Worker:
    """Build a worker; by default `queue`, and `consume`, which takes jobs from it, use REDIS_URL, and `training` is
    built as well."""
    training = training or build_trainer(settings, new_trainer=new_trainer)
    queue = queue or JobQueue(settings.redis_url)
    return Worker(
        training.runner,
        queue,
        consume or partial(JobConsumer, settings.redis_url),
        Reconciler(training.jobs, queue),
        _heartbeat(settings, partial(_figures, training.mirror)),
    )


def _heartbeat(settings: Settings, figures: Callable[[], Figures]) -> Heartbeat:
    """Seen by all machines, if there are several."""
    if settings.store_url and settings.redis_url:
        return SharedHeartbeat(settings.data.runs, settings.redis_url, figures)
    return Heartbeat(settings.data.runs, figures)


def _figures(mirror: Mirror) -> Figures:
    asked = (StoreRequests(*labels, each.count, each.seconds) for labels, each in mirror.requests().items())
    return Figures(STANDARD_ERROR.lost, tuple(asked))
