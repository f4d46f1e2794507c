"""An application on real stores in a temporary folder; only the engine and Redis are stand-ins."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from charrnn.checkpoint import Checkpoint
from model_store.promotion import publish_and_promote
from model_store.store import ModelStore
from service.api.app import Services, create_app
from service.api.http.rate_limits import RateLimit
from service.generation.cache import GenerationCache
from service.generation.generator import TextGenerator
from service.generation.resident import ResidentModels
from service.generation.scheduler import Scheduler
from service.generation.scoring import Scorer
from service.generation.tokenization import Tokenizer
from service.generation.tracing import Tracer
from service.generation.unit_search import UnitSearch
from service.settings import Settings
from service.training.corpora import CorpusStore
from service.training.jobs import JobStore


def _ignored(_: object) -> None:
    """A check that only raises."""


ADMIN = {"Authorization": "Bearer admin-key"}
APP = {"Authorization": "Bearer app-key"}


class MemoryQueue:
    """A job queue that remembers what was submitted."""

    def __init__(self) -> None:
        self.submitted: list[str] = []
        self.error: Exception | None = None

    def submit(self, job_id: str) -> None:
        if self.error is not None:
            raise self.error
        self.submitted.append(job_id)

    def available(self) -> bool:
        return self.error is None


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        data_dir=tmp_path, default_model="letters", max_length=1000, max_prompt_length=2000, max_corpus_bytes=100_000
    )


@pytest.fixture
def model_store(settings: Settings, new_checkpoint: Callable[..., Checkpoint]) -> ModelStore:
    store = ModelStore(settings.data_dir / "models")
    publish_and_promote(store, "letters", new_checkpoint())
    return store


@pytest.fixture
def queue() -> MemoryQueue:
    return MemoryQueue()


@pytest.fixture
def new_client(
    model_store: ModelStore, queue: Any, engine: Any, redis: Any, scheduler: Scheduler, settings: Settings
) -> Callable[..., FlaskClient]:
    """A client of an application with other settings than the usual ones."""

    def new(limit: RateLimit | None = None, own_key: Callable[[], str] | None = None, **changes: Any) -> FlaskClient:
        changed = settings.model_copy(update=changes)
        models = ResidentModels(model_store, lambda _: engine)
        jobs = JobStore(changed.data_dir / "runs")
        services = Services(
            generator=TextGenerator(
                models,
                GenerationCache(redis, changed.cache_ttl),
                scheduler,
                timeout=changed.request_timeout,
                max_values=changed.max_reply_values,
            ),
            tokenizer=Tokenizer(models),
            scorer=Scorer(models, scheduler, changed.request_timeout),
            tracer=Tracer(models, changed.request_timeout),
            unit_search=UnitSearch(models, changed.request_timeout),
            store=model_store,
            corpora=CorpusStore(changed.data_dir / "corpora", changed.max_corpus_bytes, in_use=jobs.using),
            jobs=jobs,
            queue=queue,
            check_ready=lambda: _ignored(models.get(changed.default_model)),
            rate_limit=limit,
            degraded=lambda: [] if queue.available() else ["queue: Redis is not available"],
        )
        return create_app(services, changed, ("admin-key",), own_key).test_client()

    return new


@pytest.fixture
def client(new_client: Callable[..., FlaskClient]) -> FlaskClient:
    return new_client()


@pytest.fixture
def admin() -> dict[str, str]:
    return ADMIN


@pytest.fixture
def app_key() -> dict[str, str]:
    return APP
