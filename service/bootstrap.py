"""The composition root: the only place that builds objects out of settings."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from flask import Flask

from durable.reading import DamagedFileError
from model_store.errors import StoreError
from model_store.faults import Faults
from model_store.promotion import install_starter
from model_store.store import ModelStore
from service import logs
from service.api.app import Services, create_app
from service.api.http.ending import Ending
from service.api.http.metrics import Load, Metrics
from service.api.http.rate_limits import RateLimit, in_redis
from service.generation.cache import GenerationCache
from service.generation.engines import build_engine
from service.generation.generator import TextGenerator
from service.generation.redis_link import link_to
from service.generation.resident import ResidentModels
from service.generation.scheduler import Scheduler
from service.generation.scoring import Scorer
from service.generation.tokenization import Tokenizer
from service.generation.tracing import Tracer
from service.generation.unit_search import UnitSearch
from service.inspection import Inspection, data
from service.keys.admin_key import AdminKey
from service.settings import Settings
from service.training.corpora import CorpusStore
from service.training.heartbeats import WorkerRegistry
from service.training.jobs import JobStore
from service.training.queue import JobQueue

log = logging.getLogger(__name__)

STARTER_MODEL: Final = "shakespeare"
STARTER_PATH: Final = Path(__file__).parent / "starter" / "shakespeare.safetensors"
CACHE_TIMEOUT_SECONDS: Final = 0.25
REFRESH_SECONDS: Final = 1.0


def build_web(settings: Settings) -> Flask:
    """The application of one web process, its scheduler's thread started."""
    logs.configure(settings)
    store = build_store(settings)
    cache = GenerationCache(link_to(_cache_url(settings), CACHE_TIMEOUT_SECONDS), settings.cache_ttl)
    models = ResidentModels(store, build_engine(settings.device, settings.data.packed))
    scheduler = Scheduler(settings.max_active, settings.max_waiting)
    queue = JobQueue(settings.redis_url)
    scheduler.start()
    jobs = JobStore(settings.data.runs)
    workers = WorkerRegistry(jobs.root)
    metrics = Metrics(jobs, workers)

    def sample() -> None:
        metrics.sample(Load(scheduler.active, scheduler.waiting, len(models.loaded()), scheduler.steps, scheduler.rows))

    def degraded() -> list[str]:
        lost = [] if cache.available() else ["cache: Redis is not available"]
        lost += [] if queue.available() else ["queue: Redis is not available"]
        lost += [] if workers.any_alive() else ["worker: none was heard of lately; jobs wait"]
        return lost + models.degraded + inspection.found()

    corpora = CorpusStore(settings.data.corpora, settings.max_corpus_bytes, in_use=jobs.using)
    faults = Faults(store)
    inspection = Inspection(data(store, faults, corpora, jobs))
    _refresh_regularly(models, settings.default_model, sample, inspection.found)
    services = Services(
        generator=TextGenerator(models, cache, scheduler, metrics, settings.request_timeout, settings.max_reply_values),
        tokenizer=Tokenizer(models),
        scorer=Scorer(models, scheduler, settings.request_timeout),
        tracer=Tracer(models, settings.request_timeout, observer=metrics),
        unit_search=UnitSearch(models, settings.request_timeout),
        store=store,
        faults=faults,
        corpora=corpora,
        jobs=jobs,
        queue=queue,
        check_ready=lambda: _check_ready(models, settings.default_model),
        degraded=degraded,
        metrics=metrics,
        rate_limit=_rate_limit(settings),
        ending=Ending(scheduler.give_up, scheduler.close),
    )
    return create_app(services, settings, settings.admin_api_keys, _own_key(settings))


def build_store(settings: Settings) -> ModelStore:
    """The model store, with the starter model in it when it is new. What is damaged there does not keep the service
    from starting."""
    store = ModelStore(settings.data.models)
    try:
        if (version := install_starter(store, STARTER_MODEL, STARTER_PATH)) is not None:
            log.info("the starter model %s version %d was put into the new store", STARTER_MODEL, version)
    except (OSError, StoreError, DamagedFileError) as error:
        log.error("the starter model cannot be put into the store: %s", getattr(error, "strerror", None) or error)
    return store


def _own_key(settings: Settings) -> Callable[[], str] | None:
    """The key in DATA_DIR/admin-key, made at the first start, when ADMIN_API_KEYS is empty. A disk that takes no file
    does not keep the service from what needs no admin."""
    if settings.admin_api_keys:
        return None
    key = AdminKey(settings.data.admin_key)
    try:
        key.make()
    except OSError as error:
        log.error("%s cannot be made: %s", settings.data.admin_key.name, error.strerror)
    return key.recent


def _cache_url(settings: Settings) -> str:
    return settings.cache_url or settings.redis_url or "redis://"  # a web process run alone: the usual place


def _rate_limit(settings: Settings) -> RateLimit | None:
    if not settings.rate_limit:
        return None
    return RateLimit(settings.rate_limit, in_redis(_cache_url(settings), CACHE_TIMEOUT_SECONDS))


def _check_ready(models: ResidentModels, default_model: str) -> None:
    models.get(default_model)


def _refresh_regularly(models: ResidentModels, default_model: str, *chores: Callable[[], object]) -> None:
    """A thread that has promoted versions loaded before a request asks for them, and does these every second."""

    def run() -> None:
        try:
            models.get(default_model)
        except Exception as error:
            log.warning("the default model %s cannot be served: %s", default_model, error)
        while True:
            for chore in chores:
                _done(chore)
            time.sleep(REFRESH_SECONDS)
            _done(models.refresh)

    threading.Thread(target=run, name="refresh", daemon=True).start()


def _done(chore: Callable[[], object]) -> None:
    """One that fails is tried again a second later; the others go on."""
    try:
        chore()
    except Exception:
        log.exception("a task that runs every second failed")
