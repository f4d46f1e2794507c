"""Finds jobs that the queue has forgotten and hands them in again; knows nothing of how they are run."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

from service.training.errors import QueueDownError, TrainingError
from service.training.jobs import JobStore
from service.training.lease import is_live
from service.training.queue import JobQueue

log = logging.getLogger(__name__)

GRACE_SECONDS: Final = 5.0
"""Between being taken from the queue and being begun, or between a worker's death and its jobs' return to the queue,
a job is in neither place: only one that stays so for longer counts as forgotten."""


class Reconciler:
    """Compares the directory of runs, which is the truth, with the queue, which may have been emptied or down when a
    job was handed in. Handing a job in twice does no harm: whoever holds its lease trains it."""

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

    def look(self) -> list[str]:
        """Hand in what has been forgotten; returns those jobs. To be called every second or so. A queue that is down
        is no error: the next look finds the same."""
        missed = [job for job in self._jobs.unfinished() if self._is_idle(job)]
        try:
            waiting = self._queue.waiting() if missed else set()
            return self._hand_in([job for job in missed if job not in waiting])
        except QueueDownError as error:
            log.debug("%s", error)
            return []

    def _is_idle(self, job: str) -> bool:
        """Whether no worker runs the job; one that cannot be read is left alone, and delays no other."""
        try:
            return not is_live(self._jobs.folder(job))
        except (OSError, TrainingError) as error:
            log.debug("job %s cannot be looked at: %s", job, error)
            return False

    def _hand_in(self, missed: list[str]) -> list[str]:
        now = self._clock()
        self._missed_since = {job: self._missed_since.get(job, now) for job in missed}
        due = [job for job in missed if now - self._missed_since[job] >= self._grace]
        for job in due:
            self._queue.submit(job)
            del self._missed_since[job]
            log.info("job %s was not in the queue and is handed in again", job)
        return due
