"""Fills a data directory with many models, jobs and corpora, each of real files: one is made, the others are copies."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import numpy as np

from charrnn.checkpoint import load
from charrnn.training.config import Budget
from durable.clock import iso
from model_store.aliases import FILE as ALIASES
from service.bootstrap.starter import STARTER_PATH
from service.bootstrap.training import build_trainer
from service.settings import Settings
from service.training.corpora.corpus import CHARACTERS, CORPUS_FILE, TEXT, Corpus
from service.training.jobs.requests import JobRequest
from tests.texts import FOX

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
SIZES = {"hidden_size": 8, "embedding_size": 0, "batch_size": 2, "segment_length": 8}


@dataclass(frozen=True)
class Counts:
    """How much there is: versions of each model, jobs that have ended and some that have not."""

    models: int = 200
    versions: int = 5
    jobs: int = 10_000
    corpora: int = 2_000
    queued: int = 20


def fill(data_dir: Path, counts: Counts) -> None:
    """Fill the directory; takes a second for each thousand files."""
    settings = Settings(data_dir=data_dir)
    training = build_trainer(settings)
    corpus, _ = training.corpora.add([FOX.encode()], "fox")
    job = training.jobs.create(JobRequest(corpus.id, "fox", SIZES, budget=Budget(steps=20)))
    training.runner.run(job.id, Event())
    assert training.jobs.get(job.id).status == "succeeded"
    _copy_models(settings.data.models, counts)
    _copy_jobs(settings.data.runs, training.jobs.folder(job.id), counts.jobs - counts.queued - 1)
    for _ in range(counts.queued):
        training.jobs.create(JobRequest(corpus.id, "fox", SIZES, budget=Budget(steps=20)))
    _copy_corpora(settings.data.corpora, corpus, counts.corpora - 1)


def _copy_models(root: Path, counts: Counts) -> None:
    """Models beside the one that was trained, with the sidecars of the starter and its weights, one of them another
    for each model; all versions of a model are the same."""
    starter = load(STARTER_PATH)
    name = min(starter.weights)
    change = {"version": counts.versions, "time": iso(FIRST.timestamp()), "reason": "filled", "rolled_back": False}
    aliases = json.dumps({"current": [{**change, "deleted": False, "rebuilt": False}]})
    beside = sorted(STARTER_PATH.parent.glob(f"{STARTER_PATH.stem}.*"))
    for model in range(counts.models - 1):
        folder = root / f"model-{model:04}"
        folder.mkdir()
        weights = {**starter.weights, name: starter.weights[name] * np.float32(1 + model / 1e4)}
        data = replace(starter, weights=weights).to_bytes()
        for file in beside:
            first = folder / file.name.replace(STARTER_PATH.stem, "1")
            first.write_bytes(data if file == STARTER_PATH else file.read_bytes())
            for version in range(2, counts.versions + 1):
                os.link(first, first.with_name(f"{version}{first.name[1:]}"))
        (folder / ALIASES).write_text(aliases)


def _copy_jobs(root: Path, ended: Path, count: int) -> None:
    for job in range(count):
        folder = root / f"{FIRST + timedelta(minutes=job):%Y%m%d-%H%M%S%f}-{job:06x}"
        folder.mkdir()
        for file in ended.iterdir():
            os.link(file, folder / file.name)


def _copy_corpora(root: Path, corpus: Corpus, count: int) -> None:
    for each in range(count):
        created = iso((FIRST + timedelta(minutes=each)).timestamp())
        copy = replace(corpus, id=f"{each:016x}", name=f"text {each}", created=created)
        folder = root / copy.id
        folder.mkdir()
        for name in (TEXT, CHARACTERS):
            os.link(root / corpus.id / name, folder / name)
        (folder / CORPUS_FILE).write_text(json.dumps(asdict(copy)))
