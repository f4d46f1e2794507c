from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from charrnn.training.config import Budget
from service.bootstrap.training import build_trainer, build_worker
from service.settings import Settings
from service.training.jobs.requests import JobRequest
from service.training.worker.job_trainer import JobTrainer
from tests.texts import FOX

SIZES = {"hidden_size": 8, "embedding_size": 0, "batch_size": 2, "segment_length": 8}


def test_a_worker_runs_the_job_that_a_terminal_on_the_same_data_kept(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    training = build_trainer(settings)
    corpus, _ = training.corpora.add([FOX.encode()], "fox")
    job = training.jobs.create(JobRequest(corpus.id, "fox", SIZES, budget=Budget(steps=3)))
    handlers: list[Callable[[str], None]] = []
    none: Any = object()

    def consume(handle: Callable[[str], None]) -> Any:
        handlers.append(handle)

    new_trainer = partial(JobTrainer, find=lambda *_: None)
    build_worker(settings, queue=none, consume=consume, new_trainer=new_trainer)
    handlers[0](job.id)
    assert training.jobs.get(job.id).status == "succeeded"
    assert training.models.versions("fox") == [1]
