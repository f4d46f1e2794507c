"""Runs a job: takes its lease, trains its network, publishes it, and writes the job's result; knows no queue."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from threading import Event
from typing import Any, Final, Literal

import torch

from charrnn.novelty import KnownTexts
from charrnn.training.keeping import DivergedError
from durable import space
from durable.reading import DamagedFileError
from model_store.errors import StoreError
from model_store.promotion import promote_version
from model_store.sidecars import Sidecar
from model_store.store import ModelStore
from service.training.errors import LeaseHeldError, LeaseLostError, TrainingError
from service.training.jobs import stalls
from service.training.jobs.job import DamagedJob, Job
from service.training.jobs.lease import Lease
from service.training.jobs.run import Run
from service.training.jobs.store import JobStore
from service.training.worker.job_trainer import JobTrainer, TrainedNetwork
from service.training.worker.keeping import keep
from service.training.worker.measuring import StoppedError
from service.training.worker.patience import RETRY_SECONDS, Patience

log = logging.getLogger(__name__)

Outcome = Literal["ended", "handed over", "not mine"]

MAX_DEATHS: Final = 20
SEARCH_DEATHS: Final = 2
"""After this many deaths of workers at the end of the training, units are not searched, because the search may be the
cause."""


class JobRunner:
    """Runs jobs, one at a time: `run` may be called for any job at any moment by any number of workers."""

    def __init__(
        self, jobs: JobStore, store: ModelStore, trainer: JobTrainer, retry_seconds: float = RETRY_SECONDS
    ) -> None:
        self._jobs = jobs
        self._store = store
        self._trainer = trainer
        self._retry_seconds = retry_seconds

    def run(self, job_id: str, stop: Event, began: float | None = None) -> Outcome:
        """Run the job to its end, unless another worker does; when `stop` is set, leave it to the next worker at once.
        `began`: when the work on the job began, by the trainer's clock, if before this call.

        Raises JobNotFoundError.
        """
        began = self._trainer.now() if began is None else began
        job, folder = self._jobs.look(job_id), self._jobs.root / job_id
        if job.is_final and isinstance(job, Job):
            return "ended"
        lease = self._taken(job_id, folder, stop)
        if lease is None:
            return "not mine"
        patience = Patience(folder, stop, self._retry_seconds)
        try:
            with lease:
                run = patience.until_done(lambda: self._jobs.run(job_id, lease))
                if isinstance(job, Job):
                    return self._run(job, run, patience, stop, began)
                return self._give_up(job, run, patience)
        except LeaseLostError as error:
            log.warning("%s; this worker skips it", error)
            return "not mine"
        except StoppedError:
            return "handed over"

    def _taken(self, job: str, folder: Path, stop: Event) -> Lease | None:
        """The lease of a run; None while another worker has it, or there is no space for it."""
        try:
            return self._jobs.take(job, stop)
        except LeaseHeldError as error:
            log.info("%s", error)
        except OSError as error:
            if not space.passes(error):
                raise
            if space.is_short(error):
                stalls.begin(folder)
            log.warning("job %s waits: %s", folder.name, space.reason_of(error))
        return None

    def _give_up(self, job: DamagedJob, run: Run, patience: Patience) -> Outcome:
        """Write down that a job has failed whose request cannot be read."""
        if run.state.is_final:
            return "ended"
        patience.until_done(lambda: run.fail(job.state.error or job.damaged))
        log.error("job %s failed: %s", job.id, job.damaged)
        return "ended"

    def _run(self, job: Job, run: Run, patience: Patience, stop: Event, began: float) -> Outcome:
        if run.state.is_final:
            return "ended"
        try:
            ended = self._attempt(job, run, patience, stop, began)
        except LeaseLostError:
            raise
        except StoppedError:
            ended = False
        except Exception as error:
            message = _explained(error)
            log.exception("job %s failed: %s", job.id, message)
            patience.until_done(lambda: run.fail(message))
            return "ended"
        return "ended" if ended or self._leave(run, patience) else "handed over"

    def _attempt(self, job: Job, run: Run, patience: Patience, stop: Event, began: float) -> bool:
        """Run the job; returns whether it has ended. Raises StoppedError when the job is cancelled or the worker is
        stopped while it waits for its disk."""
        if run.cancel_requested():
            return False
        deaths = patience.until_done(run.start, run.cancel_requested)
        if deaths > MAX_DEATHS:
            raise TrainingError(f"{deaths} workers in a row died at the same point of this job")
        if patience.until_done(lambda: self._was_published(job, run), run.cancel_requested):
            return True

        def train() -> TrainedNetwork | None:
            return self._trainer.train(job, run, stop, began, search=deaths < SEARCH_DEATHS)

        trained = patience.until_done(train, run.cancel_requested)
        if trained is None:
            return False

        def publish() -> None:
            if not self._was_published(job, run):  # the disk may have been full only after that
                self._publish(job, run, trained)

        patience.until_done(publish, run.cancel_requested)
        return True

    def _leave(self, run: Run, patience: Patience) -> bool:
        """Cancel the job if that was requested (True), or leave it to the next worker."""
        if run.cancel_requested():
            patience.until_done(run.cancel)
            log.info("job %s is cancelled", run.id)
            return True
        try:
            run.hand_over()
        except OSError as error:
            if not space.passes(error):
                raise  # else its lease expires
        log.info("job %s is left to the next worker", run.id)
        return False

    def _publish(self, job: Job, run: Run, trained: TrainedNetwork) -> None:
        name, checkpoint, before = job.request.model, trained.checkpoint, run.intent()
        after = max(self._store.versions(name), default=0) if self._store.has(name) else 0
        intent = {"digest": checkpoint.digest, "after": after, "beside": dict(trained.beside)}
        if before is not None:
            intent["after"] = min(after, before["after"])
            if earlier := {*_digests(before)} - {checkpoint.digest}:
                intent["earlier"] = sorted(earlier)

        def publish() -> tuple[int, bool]:
            found: list[int] = []

            def is_due() -> bool:
                """An earlier worker of another machine that wakes up late takes the number that this one would."""
                run.confirm()
                found.extend(self._found(name, before) if before else ())
                return not found

            version = self._store.publish_if(name, checkpoint, is_due)
            return self._complete(job, version or found[0], trained.beside, trained.known)

        state = run.publish(intent, publish)
        log.info("job %s published %s@%s%s", job.id, name, state.version, ", promoted" if state.promoted else "")

    def _was_published(self, job: Job, run: Run) -> bool:
        """Complete the job of a worker that died after publishing and before writing the result."""
        intent = run.intent()
        if intent is None:
            return False
        version = next(iter(self._found(job.request.model, intent)), None)
        if version is None:
            return False
        is_last = self._store.describe(job.request.model, version).digest == intent["digest"]
        beside = intent.get("beside", {}) if is_last else {}
        known = self._trainer.known_texts(job, run)
        run.publish(intent, lambda: self._complete(job, version, beside, known))
        log.info("job %s had published %s@%d", job.id, job.request.model, version)
        return True

    def _found(self, name: str, intent: Mapping[str, Any]) -> list[int]:
        """The versions that an intent has led to: one at most."""
        found = (self._store.find(name, digest, intent["after"]) for digest in _digests(intent))
        return [version for version in found if version is not None]

    def _complete(
        self, job: Job, version: int, beside: Mapping[str, Sidecar], known: KnownTexts | None
    ) -> tuple[int, bool]:
        """Store the sidecars beside the new version and promote it; idempotent. Returns the version, and whether it was
        promoted."""
        name = job.request.model
        keep(self._store, name, version, beside, known)
        return version, promote_version(self._store, name, version, job.request.promote, f"job {job.id}")


def _digests(intent: Mapping[str, Any]) -> list[str]:
    return [intent["digest"], *intent.get("earlier", [])]


def _explained(error: Exception) -> str:
    """The message of an error for users; details are in the worker's log."""
    if isinstance(error, TrainingError | StoreError | DamagedFileError | DivergedError):
        return str(error)
    if isinstance(error, OSError):
        return f"the worker's disk or system failed: {space.reason_of(error)}"
    if isinstance(error, ValueError) and error.args:
        return str(error)
    if isinstance(error, MemoryError | torch.cuda.OutOfMemoryError):
        return "out of memory: a smaller hidden_size, batch_size or segment_length may help"
    return f"an error in the worker ({type(error).__name__}); its log has more"
