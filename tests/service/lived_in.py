"""A data directory in which all is there that a web process and a worker keep."""

from __future__ import annotations

from functools import partial
from threading import Event
from typing import Any, Final

from charrnn.training.config import Budget
from model_store.promotion import publish_and_promote
from service.bootstrap.training import Training, build_trainer
from service.keys.key_file import KeyFile
from service.settings import Settings
from service.training.jobs import run_files
from service.training.jobs.lease import Lease
from service.training.jobs.requests import JobRequest
from service.training.jobs.run import Run
from service.training.queue.heartbeats import Heartbeat
from service.training.records.format import RecordFormat
from service.training.worker.job_trainer import JobTrainer
from tests.service.conftest import checkpoint
from tests.service.training.runners import SAMPLE_LENGTH, Clock, StopAfter
from tests.texts import FOX

SMALL: Final = {"hidden_size": 8, "embedding_size": 0, "batch_size": 2, "segment_length": 4}


def trainer(**options: Any) -> Any:
    """What builds the trainer of a worker that is done in moments."""
    return partial(JobTrainer, sample_length=SAMPLE_LENGTH, find=lambda *_: {"cells": []}, **options)


def job(training: Training, corpus: str, model: str, steps: int = 2, **fields: Any) -> str:
    """A new job's id."""
    return training.jobs.create(JobRequest(corpus, model, SMALL, budget=Budget(steps=steps), **fields)).id


def jobs_of_all_kinds(training: Training, text: str, lines: str) -> list[str]:
    """The ids of new jobs, which use all that is derived of these corpora."""
    by_line = RecordFormat.from_dict({"unit": "line"})
    return [
        job(training, text, "fox"),
        job(training, text, "words", level="word"),
        job(training, lines, "lines", records=by_line),
    ]


def live_in(settings: Settings) -> None:
    """Do all that leaves files behind: jobs of every kind, ended and left in the middle; versions, keys, a worker."""
    training, never = build_trainer(settings, new_trainer=trainer()), Event()
    for loss in (1.0, 0.75):
        publish_and_promote(training.models, "letters", checkpoint(loss=loss))
    training.models.delete("letters", training.models.publish("letters", checkpoint(loss=2.0)))
    text = training.corpora.add([FOX.encode()], "fox")[0].id
    lines = training.corpora.add(["".join(f"{i} and {i * 7 % 13}\n" for i in range(300)).encode()], "lines")[0].id
    for each in jobs_of_all_kinds(training, text, lines):
        assert training.runner.run(each, never) == "ended"
        assert training.jobs.get(each).status == "succeeded", training.jobs.get(each).state.error
    left = build_trainer(settings, new_trainer=trainer(save_seconds=0, clock=Clock(0.5)))
    half = job(training, text, "half", steps=12)
    assert left.runner.run(half, StopAfter(16)) == "handed over"
    folder = training.jobs.folder(half)
    with Lease.take(folder) as lease:  # as a worker that was killed leaves it
        run = Run(folder, lease)
        run.start()
        run.warn(3, ["the text is short"])
        run_files.write_json(folder / run_files.INTENT, {"digest": "0" * 64, "after": 0})
    training.jobs.cancel(job(training, text, "cancelled"))
    KeyFile(settings.data).add("admin", "somewhere")
    Heartbeat(settings.data.runs).begin()
