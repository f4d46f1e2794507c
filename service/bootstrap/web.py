"""Builds a web process from the settings, with stand-ins for external services if given."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from limits.storage import Storage

from model_store.faults import Faults
from model_store.held_out import held_out_scores
from model_store.known_texts import known_texts
from model_store.store import ModelStore
from service.api.app import Services, create_app
from service.api.http.auth import KeyRing
from service.api.http.metrics import Load, Metrics
from service.api.http.rate_limits import RateLimit, in_redis
from service.api.http.shutdown import Shutdown
from service.bootstrap.keys import Keys, build_keys
from service.bootstrap.stores import Stores, open_stores
from service.bootstrap.web_process import Once, WebProcess
from service.disk import DiskWatch
from service.generation.cache import GenerationCache, RedisClient
from service.generation.comparison import Comparer
from service.generation.compiled_patterns import Compile, CompiledPatterns
from service.generation.compiling_process import CompilingProcess
from service.generation.completing import Completer
from service.generation.continuations.tokens import Continuations
from service.generation.engines import BuildEngine, build_engine
from service.generation.generator import TextGenerator
from service.generation.labelling import Labeller
from service.generation.prefix_states import PrefixStates, StatesClient
from service.generation.records.generator import RecordGenerator
from service.generation.redis_link import link_to
from service.generation.resident import ResidentModels
from service.generation.scheduling.scheduler import Scheduler
from service.generation.scoring import Scorer
from service.generation.tokenization import Tokenizer
from service.generation.transducing import Transducer
from service.generation.units.search import UnitSearch
from service.generation.units.tracing import Tracer
from service.inspection import Inspection, damaged_files
from service.keys.errors import KeysUnavailableError
from service.output import STANDARD_ERROR
from service.recently import Recently
from service.settings import Settings
from service.supervised import SupervisorReport
from service.suspension import Suspension
from service.training.queue.heartbeats import WorkerRegistry
from service.training.queue.job_queue import JobQueue
from service.training.queue.shared_heartbeats import SharedWorkerRegistry
from service.training.queue.submission import Queue

log = logging.getLogger(__name__)

CACHE_TIMEOUT_SECONDS: Final = 0.25
"""How long Redis may take to answer where it is optional: for the cache and the rate limits."""
LOOK_SECONDS: Final = 0.5
"""How long the queue's may take to answer when only what is degraded is asked for."""
LOCK_SECONDS: Final = 15.0
"""How long a request waits for a process that is in the middle of a change of the same model, or of corpora: such a
change takes milliseconds, unless the process is suspended."""


class CacheClient(RedisClient, StatesClient, Protocol):
    """What is needed of a Redis client, but for the queue and the rate limits."""


class CheckedQueue(Queue, Protocol):
    """The queue of jobs, and what is wrong with it."""

    def fault(self) -> str: ...


def build_web(
    settings: Settings,
    *,
    stores: Stores | None = None,
    engines: BuildEngine | None = None,
    redis: CacheClient | None = None,
    queue: CheckedQueue | None = None,
    rates: Storage | None = None,
    scheduler: Scheduler | None = None,
    compile: Compile | None = None,
    ended: Path | None = None,
    master: int = 0,
    begun: Callable[[ModelStore], object] = lambda _: None,
) -> WebProcess:
    """Build a web process; nothing is started.

    By default `stores` are those that the settings name, `engines` builds the engines for DEVICE, `redis` (the cache,
    states of prompts) and `rates` (counts of requests) use CACHE_URL, `queue` uses REDIS_URL, and patterns are compiled
    (`compile`) in a process of their own. `ended`: the file that says which web processes have ended; `master`: the
    process id of the parent of all of them, if any; `begun` is called with the store of models once it can be read.
    """
    paths, timeout = settings.data, settings.request_timeout
    # Shared by all processes.
    stores = stores or open_stores(settings)
    store, corpora, jobs = stores.models, stores.corpora, stores.jobs
    store.patience = corpora.patience = LOCK_SECONDS
    faults = Faults(store)
    mirror, keys = stores.mirror, stores.keys or build_keys(settings)
    # In Redis.
    redis = redis or link_to(_cache_url(settings), CACHE_TIMEOUT_SECONDS)
    cache = GenerationCache(redis, settings.cache_ttl)
    prefix_states = PrefixStates(redis, settings.cache_ttl, settings.prefix_cache_bytes)
    queue = queue or JobQueue(settings.redis_url, LOOK_SECONDS)
    queue_fault = Recently(queue.fault)
    workers = _workers(settings)
    # Generation.
    scheduler = scheduler or Scheduler(settings.max_active, settings.max_waiting)
    models = ResidentModels(store, engines or build_engine(settings.device, paths.packed, paths.kernels))
    # The process's own state.
    supervisor = SupervisorReport(paths.processes)
    siblings = SupervisorReport(ended) if ended else None
    inspection = Inspection(damaged_files(store, faults, corpora, jobs))
    suspension = Suspension(master, supervisor.processes)
    shutdown = Shutdown()
    disk = DiskWatch(paths)

    def degraded() -> list[str]:
        lost = [f"cache: {fault}"] if (fault := cache.fault()) else []
        lost += [f"queue: {fault}"] if (fault := queue_fault()) else []
        lost += [] if workers.any_alive() else ["worker: none was heard of lately; jobs wait"]
        lost += [*supervisor.problems(), *(siblings.problems() if siblings else ()), *suspension.found()]
        lost += disk.found() + [f"job {job}: {warning}" for job, warning in jobs.stalled()]
        return [*mirror.problems(), *lost, *models.degraded, *inspection.found()]

    metrics = Metrics(jobs, workers, supervisor, degraded=degraded, mirror=mirror)
    patterns = CompiledPatterns(settings.pattern_cache_bytes, metrics, compile or CompilingProcess())

    def sample() -> None:
        loaded, steps, rows = len(models.loaded()), scheduler.steps, scheduler.rows
        metrics.sample(Load(scheduler.active, scheduler.waiting, loaded, steps, rows, patterns.nbytes))
        metrics.lines_lost(STANDARD_ERROR.lost)
        metrics.asked(mirror.requests())

    def begin() -> None:
        begun(store)
        _load_default(models, settings.default_model)
        jobs.count_by_status()  # those that have ended are read once, so that no request has to

    def check_ready() -> None:
        mirror.check()
        models.get(settings.default_model)

    prepare = Once(mirror.is_filled, begin)

    services = Services(
        generator=TextGenerator(
            *(models, cache, scheduler),
            observer=metrics,
            timeout=timeout,
            max_values=settings.max_reply_values,
            prefix_states=prefix_states,
            patterns=patterns,
        ),
        completer=Completer(models, scheduler, timeout, patterns, observer=metrics),
        continuations=Continuations(keys.continuation),
        records=RecordGenerator(
            *(models, scheduler, partial(known_texts, store)), observer=metrics, timeout=timeout, patterns=patterns
        ),
        tokenizer=Tokenizer(models),
        scorer=Scorer(
            models, scheduler, timeout, max_values=settings.max_reply_values, held_out=partial(held_out_scores, store)
        ),
        labeller=Labeller(models, scheduler, timeout, settings.max_reply_values),
        transducer=Transducer(models, scheduler, timeout, settings.max_reply_values),
        comparer=Comparer(models, scheduler, timeout),
        tracer=Tracer(models, timeout, observer=metrics),
        unit_search=UnitSearch(models, timeout),
        store=store,
        faults=faults,
        corpora=corpora,
        jobs=jobs,
        queue=queue,
        check_ready=check_ready,
        degraded=degraded,
        metrics=metrics,
        rate_limit=_rate_limit(settings, rates),
        shutdown=shutdown,
    )
    return WebProcess(
        create_app(services, settings, _key_ring(settings, keys)),
        scheduler,
        shutdown,
        prepare=prepare,
        chores=[prepare, sample, inspection.found, models.refresh, disk.found],
        background=[mirror],
    )


def _workers(settings: Settings) -> WorkerRegistry:
    """Those of all machines, if there are several."""
    if settings.store_url and settings.redis_url:
        return SharedWorkerRegistry(settings.data.runs, settings.redis_url)
    return WorkerRegistry(settings.data.runs)


def _key_ring(settings: Settings, keys: Keys) -> KeyRing:
    """All keys that requests may have. A file that cannot be read is logged now, before any request."""
    keys.file.remember()
    ring = KeyRing(settings.api_keys, settings.admin_api_keys, keys.file.recent, keys.own)
    with suppress(KeysUnavailableError):
        ring.check()
        ring.check_own()
    return ring


def _load_default(models: ResidentModels, name: str) -> None:
    """Load the default model before a request needs it."""
    try:
        models.get(name)
    except Exception as error:
        log.warning("the default model %s cannot be served: %s", name, error)


def _cache_url(settings: Settings) -> str:
    return settings.cache_url or settings.redis_url or "redis://"  # a web process run alone: the default folder


def _rate_limit(settings: Settings, rates: Storage | None) -> RateLimit | None:
    if not settings.rate_limit:
        return None
    return RateLimit(settings.rate_limit, rates or in_redis(_cache_url(settings), CACHE_TIMEOUT_SECONDS))
