"""An application on real stores in a temporary folder; only the engine and Redis are stand-ins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from limits.storage import Storage

from charrnn.checkpoint import Checkpoint
from charrnn.patterns.compiling import compile_pattern
from model_store.promotion import publish_and_promote
from model_store.store import ModelStore
from service.bootstrap.web import build_web
from service.generation.engines import BuildEngine
from service.generation.scheduling.scheduler import Scheduler
from service.settings import Settings
from tests.service.conftest import CountingEngine, MemoryRedis, checkpoint

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

    def fault(self) -> str:
        return "" if self.error is None else "Redis is not available"


def settings_in(folder: Path) -> Settings:
    return Settings(
        data_dir=folder, default_model="letters", max_length=1000, max_prompt_length=2000, max_corpus_bytes=100_000
    )


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


@pytest.fixture
def model_store(settings: Settings, new_checkpoint: Callable[..., Checkpoint]) -> ModelStore:
    store = ModelStore(settings.data.models)
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

    def new(
        rates: Storage | None = None,
        engines: BuildEngine | None = None,
        started: Scheduler = scheduler,
        **changes: Any,
    ) -> FlaskClient:
        changed = settings.model_copy(update={"admin_api_keys": ("admin-key",), **changes})
        process = build_web(
            changed,
            engines=engines or (lambda _: engine),
            redis=redis,
            queue=queue,
            rates=rates,
            scheduler=started,
            compile=compile_pattern,
        )
        return process.application.test_client()

    return new


@pytest.fixture
def client(new_client: Callable[..., FlaskClient]) -> FlaskClient:
    return new_client()


@pytest.fixture(scope="module")
def shared_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    """A client of one application for all tests of a module that changes nothing in it: making one takes time."""
    settings = settings_in(tmp_path_factory.mktemp("shared"))
    publish_and_promote(ModelStore(settings.data.models), "letters", checkpoint())
    scheduler = Scheduler(max_active=4, max_waiting=4)
    scheduler.start()
    process = build_web(
        settings,
        engines=lambda _: CountingEngine(),
        redis=MemoryRedis(),
        queue=MemoryQueue(),
        scheduler=scheduler,
        compile=compile_pattern,
    )
    yield process.application.test_client()
    scheduler.close()


@pytest.fixture
def admin() -> dict[str, str]:
    return ADMIN


@pytest.fixture
def app_key() -> dict[str, str]:
    return APP
