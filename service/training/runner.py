"""What a worker does with a job: train from where the run stands, show how it goes, publish; knows no queue."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from threading import Event
from typing import Final, Literal

import torch

from charrnn.checkpoint import Checkpoint
from charrnn.config import ModelConfig
from charrnn.interpretation.survey import MIN_TOKENS, most_characters
from charrnn.training.state import TrainingState, TrainingStateError
from charrnn.training.text import Passages
from charrnn.training.trainer import DivergedError, Trainer
from model_store.errors import StoreError
from model_store.promotion import promote_version
from model_store.store import ModelStore
from service.training.cells import Cells, FindCells, find_cells, keep_cells
from service.training.corpora import CorpusStore
from service.training.errors import LeaseHeldError, LeaseLostError, TrainingError
from service.training.excerpts import excerpt_of
from service.training.fidelity import with_fidelity
from service.training.jobs import DamagedJob, Job, JobStore
from service.training.lease import Lease
from service.training.preparation import DECIDED, Preparation, prepare
from service.training.runs import Run
from service.training.watch import SAVE_SECONDS, Watch

log = logging.getLogger(__name__)

Outcome = Literal["ended", "handed over", "not mine"]

MAX_DEATHS: Final = 20
SEARCH_DEATHS: Final = 2
"""After so many deaths at the end of the training, cells are not looked for any more: that may be what kills."""


class _StoppedError(Exception):
    """Somebody wants the job to stop."""


class JobRunner:
    """Runs jobs, one at a time: `run` may be called for any job at any moment by any number of workers.

    `save_seconds`: the least time between two resume points; `find`: what finds out what a network's cells follow.
    """

    def __init__(
        self,
        jobs: JobStore,
        corpora: CorpusStore,
        store: ModelStore,
        save_seconds: float = SAVE_SECONDS,
        find: FindCells = find_cells,
    ) -> None:
        self._jobs = jobs
        self._corpora = corpora
        self._store = store
        self._save_seconds = save_seconds
        self._find = find

    def run(self, job_id: str, stop: Event) -> Outcome:
        """Bring the job to its end, unless another worker is at it; with `stop` set, leave it to the next one, at once.

        Raises JobNotFoundError.
        """
        job, folder = self._jobs.look(job_id), self._jobs.root / job_id
        if job.is_final:
            return "ended"
        try:
            lease = Lease.take_soon(folder, stop)
        except LeaseHeldError as error:
            log.info("%s", error)
            return "not mine"
        try:
            with lease:
                run = Run(folder, lease)
                return self._run(job, run, stop) if isinstance(job, Job) else self._give_up(job, run)
        except LeaseLostError as error:
            log.warning("%s; this worker leaves it alone", error)
            return "not mine"

    def _give_up(self, job: DamagedJob, run: Run) -> Outcome:
        """End a job that nobody can begin; what it was asked to do cannot be found out."""
        run.fail(f"the job's files are damaged: {job.damaged}")
        log.error("job %s failed: %s", job.id, job.damaged)
        return "ended"

    def _run(self, job: Job, run: Run, stop: Event) -> Outcome:
        if run.status.is_final:
            return "ended"
        try:
            ended = self._attempt(job, run, stop)
        except LeaseLostError:
            raise
        except Exception as error:
            message = _explained(error)
            run.fail(message)
            log.exception("job %s failed: %s", job.id, message)
            return "ended"
        return "ended" if ended else "handed over"

    def _attempt(self, job: Job, run: Run, stop: Event) -> bool:
        """Whether the job has come to its end."""
        if run.cancel_requested():
            return self._cancel(run)
        deaths = run.start()
        if deaths > MAX_DEATHS:
            raise TrainingError(f"{deaths} workers in a row died at the same point of this job")
        if self._was_published(job, run):
            return True
        made = self._made(job, run, stop, search=deaths < SEARCH_DEATHS)
        if made is not None:
            self._publish(job, run, *made)
            return True
        if run.cancel_requested():
            return self._cancel(run)
        run.hand_over()
        log.info("job %s is handed over", job.id)
        return False

    def _made(self, job: Job, run: Run, stop: Event, *, search: bool) -> tuple[Checkpoint, Cells | None] | None:
        """What there is to publish, and what its cells follow; None when somebody wants the job to stop."""

        def check() -> None:
            if stop.is_set() or run.cancel_requested():
                raise _StoppedError

        plan = partial(run.plan, needed=DECIDED)
        try:
            given = prepare(job.request, self._corpora, self._store, plan, check, device=_device())
            trainer = self._trainer(job, run, given)
            if not Watch(run, trainer, stop, given.characters_per_token, self._save_seconds).train():
                return None
            checkpoint = with_fidelity(given.described(trainer.checkpoint()), given.measured_on(trainer.held_out))
            return checkpoint, self._cells(job, checkpoint, trainer.held_out, check) if search else None
        except _StoppedError:
            return None

    def _cells(self, job: Job, checkpoint: Checkpoint, held_out: Passages, check: Callable[[], None]) -> Cells | None:
        """Whatever goes wrong here, the training is not lost."""
        try:
            path, most = self._corpora.path(job.request.corpus), most_characters(checkpoint.config)
            return self._find(checkpoint, excerpt_of(path, held_out, checkpoint.vocabulary, most, MIN_TOKENS), check)
        except _StoppedError:
            raise
        except Exception:
            log.exception("job %s goes on without knowing what its cells follow", job.id)
            return None

    def _cancel(self, run: Run) -> bool:
        run.cancel()
        log.info("job %s is cancelled", run.id)
        return True

    def _trainer(self, job: Job, run: Run, given: Preparation) -> Trainer:
        """The trainer of this job, as far as the newest resume point that is sound."""

        def made(state: TrainingState | None) -> Trainer:
            return Trainer(
                given.config,
                given.training,
                given.text,
                given.vocabulary,
                corpus=given.corpus,
                base=given.base,
                state=state,
                device=_device(),
            )

        for data in run.resume_points():
            try:
                state = TrainingState.from_bytes(data)
                trainer = made(state)
            except TrainingStateError as error:
                log.warning("job %s: a resume point is passed over: %s", job.id, error)
                continue
            log.info("job %s goes on at step %d", job.id, state.position.step)
            return trainer
        log.info("job %s begins: %s on %s", job.id, _sizes(given.config), given.corpus["name"])
        return made(None)

    def _publish(self, job: Job, run: Run, checkpoint: Checkpoint, cells: Cells | None) -> None:
        name = job.request.model
        after = max(self._store.versions(name), default=0) if self._store.has(name) else 0

        def publish() -> tuple[int, bool]:
            version = self._store.publish(name, checkpoint)
            return self._complete(job, version, cells)

        state = run.publish({"digest": checkpoint.digest, "after": after, "cells": cells}, publish)
        log.info("job %s published %s@%s%s", job.id, name, state.version, ", promoted" if state.promoted else "")

    def _was_published(self, job: Job, run: Run) -> bool:
        """Complete what a worker left that died after it had published and before it could say so."""
        intent = run.intent()
        if intent is None:
            return False
        version = self._store.find(job.request.model, intent["digest"], intent["after"])
        if version is None:
            return False
        run.publish(intent, lambda: self._complete(job, version, intent.get("cells")))
        log.info("job %s had published %s@%d", job.id, job.request.model, version)
        return True

    def _complete(self, job: Job, version: int, cells: Cells | None) -> tuple[int, bool]:
        """What is due once the version is there; doing it twice is doing it once."""
        name = job.request.model
        keep_cells(self._store, name, version, cells)
        return version, promote_version(self._store, name, version, job.request.promote, f"job {job.id}")


def _device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def _explained(error: Exception) -> str:
    """What a user may read of an error; the rest is in the worker's log."""
    if isinstance(error, TrainingError | StoreError | DivergedError):
        return str(error)
    if isinstance(error, OSError):
        return f"the worker's disk or system failed: {error.strerror or type(error).__name__}"
    if isinstance(error, ValueError) and error.args:
        return str(error)
    if isinstance(error, MemoryError | torch.cuda.OutOfMemoryError):
        return "out of memory: a smaller hidden_size, batch_size or segment_length may help"
    return f"an error in the worker ({type(error).__name__}); its log has more"


def _sizes(config: ModelConfig) -> str:
    return f"{config.cell} {config.layers}x{config.hidden_size}, {config.vocabulary_size} tokens"
