"""The application: every route behind its guard, a request id on every reply, one log line a request."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from flask import Flask, Response, g, request

from model_store.store import ModelStore
from service.api import completions, corpora, documentation, errors, generation, jobs, models, operating, texts
from service.api.auth import require_admin, require_key
from service.generation.generator import TextGenerator
from service.generation.scoring import Scorer
from service.generation.tokenization import Tokenizer
from service.settings import Settings
from service.training.corpora import CorpusStore
from service.training.jobs import JobStore
from service.training.submission import Queue

log = logging.getLogger("service.requests")

REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that the routes call."""

    generator: TextGenerator
    tokenizer: Tokenizer
    scorer: Scorer
    store: ModelStore
    corpora: CorpusStore
    jobs: JobStore
    queue: Queue
    check_ready: Callable[[], None]
    degraded: Callable[[], list[str]]


def create_app(services: Services, settings: Settings, admin_keys: tuple[str, ...]) -> Flask:
    """The Flask application of the HTTP contract."""
    app = Flask("service", static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the contract's order reads better
    anyone = require_key(settings.api_keys, admin_keys)
    admin = require_admin(settings.api_keys, admin_keys)
    app.before_request(_begin)
    app.after_request(_end)
    errors.register(app)
    app.register_blueprint(operating.blueprint(services.check_ready, services.degraded))
    app.register_blueprint(generation.blueprint(services.generator, settings, anyone))
    app.register_blueprint(texts.blueprint(services.tokenizer, services.scorer, settings, anyone))
    app.register_blueprint(
        completions.blueprint(services.generator, services.tokenizer, services.store, settings, anyone)
    )
    app.register_blueprint(models.open_blueprint(services.store, anyone))
    app.register_blueprint(models.admin_blueprint(services.store, settings, admin))
    app.register_blueprint(corpora.blueprint(services.corpora, services.jobs, services.queue, settings, admin))
    app.register_blueprint(
        jobs.blueprint(services.jobs, services.corpora, services.queue, settings, admin, models=services.store)
    )
    app.register_blueprint(documentation.blueprint(app, settings))
    return app


def _begin() -> None:
    g.began = time.perf_counter()
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def _end(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.request_id
    milliseconds = (time.perf_counter() - g.began) * 1000
    log.info("%s %s %d %.1f ms %s", request.method, request.path, response.status_code, milliseconds, g.request_id)
    return response
