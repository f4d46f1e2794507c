"""The Flask application: routes with their guards, the access log and metrics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

from flask import Blueprint, Flask, request

from model_store.faults import Faults
from model_store.store import ModelStore
from service.api.http import access_log, cors, exceptions, reply_headers
from service.api.http.auth import Guard, KeyRing, identity, require_admin, require_key
from service.api.http.errors import ApiError
from service.api.http.metrics import Metrics
from service.api.http.proxies import BehindProxies
from service.api.http.rate_limits import RateLimit
from service.api.http.rules import LateRule
from service.api.http.shutdown import Shutdown
from service.api.openapi.document import document
from service.api.pages import routes as pages
from service.api.routes import (
    cells,
    complete,
    completions,
    corpora,
    documentation,
    evaluation,
    generation,
    gradients,
    jobs,
    key,
    labels,
    models,
    operating,
    records,
    texts,
    traces,
)
from service.generation.comparison import Comparer
from service.generation.completing import Completer
from service.generation.continuations.tokens import Continuations
from service.generation.generator import TextGenerator
from service.generation.labelling import Labeller
from service.generation.records.generator import RecordGenerator
from service.generation.scoring import Scorer
from service.generation.tokenization import Tokenizer
from service.generation.transducing import Transducer
from service.generation.units.example_texts import ExampleTexts
from service.generation.units.search import UnitSearch
from service.generation.units.tracing import Tracer
from service.keys.errors import KeysUnavailableError
from service.logs import RequestLog
from service.settings import Settings
from service.training.corpora.store import CorpusStore
from service.training.jobs.store import JobStore
from service.training.queue.submission import Queue


@dataclass(frozen=True, slots=True)
class Services:
    """The services that routes call."""

    generator: TextGenerator
    completer: Completer
    continuations: Continuations
    records: RecordGenerator
    tokenizer: Tokenizer
    scorer: Scorer
    labeller: Labeller
    transducer: Transducer
    comparer: Comparer
    tracer: Tracer
    unit_search: UnitSearch
    store: ModelStore
    corpora: CorpusStore
    jobs: JobStore
    queue: Queue
    check_ready: Callable[[], object]
    degraded: Callable[[], list[str]]
    faults: Faults
    metrics: Metrics
    rate_limit: RateLimit | None
    shutdown: Shutdown


def create_app(services: Services, settings: Settings, ring: KeyRing) -> Flask:
    """Create the Flask application; `ring` has the keys that requests may have."""
    app = Flask("service", static_folder=None)
    app.url_rule_class = LateRule
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the contract's order reads better
    _register_hooks(app, services, settings, ring)
    described = cache(partial(document, app, settings))
    about = (documentation.blueprint(described), pages.blueprint(settings, described))
    for blueprint in (*_blueprints(services, settings, ring), *about):
        app.register_blueprint(blueprint)
    return app


def _register_hooks(app: Flask, services: Services, settings: Settings, ring: KeyRing) -> None:
    """Register what happens to every request, whatever its route."""
    access_log.register(app, RequestLog(settings), services.metrics)
    exceptions.register(app)
    reply_headers.register(app)
    if settings.cors_origins:
        cors.register(app, settings.cors_origins)
    if services.rate_limit is not None:
        app.before_request(_limiter(services.rate_limit, ring))
    if settings.trusted_proxies:
        app.wsgi_app = BehindProxies(app.wsgi_app, settings.trusted_proxies)  # type: ignore[method-assign]


def _blueprints(services: Services, settings: Settings, ring: KeyRing) -> list[Blueprint]:
    """The groups of routes, each with its guard and its services."""
    anyone, admin = require_key(ring), require_admin(ring)
    generator, tracer, store = services.generator, services.tracer, services.store
    return [
        operating.blueprint(_ready(services, ring), _degraded(services, ring), services.metrics.page),
        generation.blueprint(generator, tracer, services.continuations, settings, anyone),
        complete.blueprint(services.completer, settings, anyone),
        records.blueprint(services.records, settings, anyone),
        texts.blueprint(services.tokenizer, services.scorer, settings, anyone),
        labels.blueprint(services.labeller, services.transducer, services.comparer, settings, anyone),
        traces.blueprint(tracer, settings, anyone),
        completions.blueprint(generator, store, services.continuations, settings, anyone),
        models.open_blueprint(store, services.faults, anyone),
        cells.open_blueprint(store, ExampleTexts(generator, tracer), anyone),
        cells.admin_blueprint(store, services.corpora, services.unit_search, settings, admin),
        gradients.blueprint(store, anyone),
        evaluation.blueprint(store, anyone),
        models.admin_blueprint(store, settings, admin),
        corpora.blueprint(services.corpora, services.jobs, services.queue, settings, admin),
        jobs.blueprint(
            *(services.jobs, services.corpora, services.queue, settings, admin),
            models=store,
            check_shutdown=services.shutdown.check,
        ),
        key.blueprint(ring),
    ]


def _ready(services: Services, ring: KeyRing) -> Callable[[], None]:
    def check() -> None:
        ring.check()
        services.check_ready()

    return check


def _degraded(services: Services, ring: KeyRing) -> Callable[[], list[str]]:
    def faults() -> list[str]:
        found = []
        for check in (ring.check_own, services.continuations.check):
            try:
                check()
            except KeysUnavailableError as error:
                found.append(f"keys: {error}")
        return found + services.degraded()

    return faults


def _limiter(limit: RateLimit, ring: KeyRing) -> Guard:
    """The rate limit: counts requests that cost work, not health checks and pages."""

    def guard() -> None:
        if request.blueprint in {"operating", "pages"}:
            return
        if (seconds := limit.retry_after(identity(ring))) is not None:
            raise ApiError(
                429, "rate_limited", f"too many requests (RATE_LIMIT): try again in {seconds} s", retry_after=seconds
            )

    return guard
