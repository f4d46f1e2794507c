"""Finds jobs that are missing in the queue and submits them again; knows nothing of how they are run."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

from service.training.errors import QueueDownError, TrainingError
from service.training.jobs.lease import is_live, last_renewal
from service.training.jobs.store import JobStore
from service.training.queue.job_queue import JobQueue

log = logging.getLogger(__name__)

GRACE_SECONDS: Final = 5.0
"""For a moment, between leaving the queue and starting, or between a worker's death and redelivery, a job is neither
queued nor running: it counts as missing only after this time. Where a worker has left a lease behind, that has taken
longer to expire."""


class Reconciler:
    """Compares the directory of runs, which is authoritative, with the queue, which may have been emptied, or down when
    a job was submitted. Submitting a job twice is harmless: only the holder of its lease trains it."""

    def __init__(
        self,
        jobs: JobStore,
        queue: JobQueue,
        grace: float = GRACE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._jobs = jobs
        self._queue = queue
        self._grace = grace
        self._clock = clock
        self._missed_since: dict[str, float] = {}
        self._expired: dict[str, int] = {}
        """The last renewals of the leases that have expired, for which jobs were submitted again."""

    def look(self) -> list[str]:
        """Submit missing jobs again; returns them. To be called about every second. A queue that is down is not an
        error: the next call finds the same jobs."""
        unfinished = list(self._jobs.unfinished())
        self._expired = {job: renewal for job, renewal in self._expired.items() if job in unfinished}
        missed = [job for job in unfinished if self._is_idle(job)]
        try:
            waiting = self._queue.waiting() if missed else set()
            return self._hand_in([job for job in missed if job not in waiting])
        except QueueDownError as error:
            log.debug("%s", error)
            return []

    def _is_idle(self, job: str) -> bool:
        """Whether no worker runs the job; an unreadable one is skipped, so that it does not delay others."""
        try:
            return not is_live(self._jobs.folder(job))
        except (OSError, TrainingError) as error:
            log.debug("job %s cannot be read: %s", job, error)
            return False

    def _hand_in(self, missed: list[str]) -> list[str]:
        now = self._clock()
        self._missed_since = {
            job: self._missed_since[job] if job in self._missed_since else self._since(job, now) for job in missed
        }
        due = [job for job in missed if now - self._missed_since[job] >= self._grace]
        for job in due:
            self._queue.submit(job)
            del self._missed_since[job]
            log.info("job %s was not in the queue and is submitted again", job)
        return due

    def _since(self, job: str, now: float) -> float:
        """Since when a job counts as missed that was not before."""
        renewal = last_renewal(self._jobs.root / job)
        if not renewal or self._expired.get(job) == renewal:
            return now
        self._expired[job] = renewal
        return now - self._grace
