"""Submits a job: checks it against its corpus and its base, creates it, and adds it to the queue; knows no HTTP."""

from __future__ import annotations

import logging
from collections import deque
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Final, Protocol

from charrnn.wording import count
from charrnn.words import token_counter
from model_store.store import ModelStore
from service.training.corpora.corpus import Corpus
from service.training.corpora.store import CorpusStore
from service.training.errors import (
    CorpusNotFoundError,
    JobFinishedError,
    JobNotFoundError,
    JobRequestError,
    JobUnfinishedError,
    QueueDownError,
    RecordsError,
)
from service.training.jobs.bases import find_base
from service.training.jobs.job import Job
from service.training.jobs.requests import JobRequest
from service.training.jobs.store import JobStore
from service.training.records.reading import records
from service.training.records.survey import surveyed

log = logging.getLogger(__name__)

MIN_CHARACTERS: Final = 100
"""The minimum length of a text to train on."""
MAX_SURVEYED: Final = 4 << 20
"""In bytes: up to this size a corpus of records is read as a whole when a job is submitted, in about a second."""
MAX_READ: Final = 20_000
"""How many records are read of a larger one."""


class Queue(Protocol):
    """Passes jobs to workers."""

    def submit(self, job: str) -> None: ...


def create_job(request: JobRequest, corpora: CorpusStore, jobs: JobStore, models: ModelStore | None = None) -> Job:
    """Check and create a job; without `models` its base is checked only by the worker.

    Raises CorpusNotFoundError, JobRequestError when the corpus is too short to train on or does not suit the base,
    RecordsError when it is not made of the records that the request says.
    """
    corpus = corpora.get(request.corpus)
    check_corpus(corpus, corpora.path(corpus), request)
    if models is not None:
        find_base(request, models)
    job = jobs.create(request)
    try:
        corpora.confirm(corpus.id)
    except CorpusNotFoundError:
        with suppress(JobNotFoundError, JobFinishedError, JobUnfinishedError):  # a worker that has it already ends it
            jobs.cancel(job.id)
            jobs.delete(job.id)
        raise
    return job


def submit(
    request: JobRequest, corpora: CorpusStore, jobs: JobStore, queue: Queue, models: ModelStore | None = None
) -> Job:
    """Create a job and add it to the queue; if the queue is down, workers find it by themselves. Raises as `create_job`
    does."""
    job = create_job(request, corpora, jobs, models)
    enqueue(job.id, queue)
    return job


def enqueue(job: str, queue: Queue) -> None:
    """Add the job to the queue; if the queue is down, this is logged, and workers find the job by themselves."""
    try:
        queue.submit(job)
    except QueueDownError as error:
        log.warning("job %s waits in the directory of runs: %s", job, error)


def check_corpus(corpus: Corpus, path: Path, request: JobRequest) -> None:
    """Check a corpus, whose text is the file at `path`, against the request of a job: of a large one only the
    beginning, the rest is checked by the worker.

    Raises JobRequestError if it is too short for the job, RecordsError if it is not made of the records that the
    request says.
    """
    if request.is_text:
        _check_length(corpus.characters, request)
        return
    try:
        if corpus.bytes <= MAX_SURVEYED:
            surveyed(path, request.records, request.task, token_counter(request.level or "char"))
        else:
            reader = records(path, request.records, request.task, token_counter(request.level or "char"))
            deque(islice(reader, MAX_READ), maxlen=0)
    except RecordsError:
        raise
    except ValueError as error:
        raise JobRequestError.of(error) from error


def _check_length(characters: int, request: JobRequest) -> None:
    needed = max(MIN_CHARACTERS, request.settings.get("segment_length", 0) + 1)
    if characters < needed:
        reason = f" with segment_length {needed - 1}" if needed > MIN_CHARACTERS else ""
        message = f"corpus has {count(characters, 'character')}; at least {needed} are needed to train on it{reason}"
        raise JobRequestError("corpus", message)
