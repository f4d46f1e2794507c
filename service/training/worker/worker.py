"""The worker, which takes jobs from the queue and runs them until it is stopped; knows no settings and no signals."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from threading import Event
from typing import Final, Protocol

from durable import space
from service.redis_servers.faults import AWAY
from service.training.errors import JobNotFoundError
from service.training.queue.heartbeats import Heartbeat
from service.training.queue.job_queue import JobQueue
from service.training.queue.reconciler import Reconciler
from service.training.queue.submission import enqueue
from service.training.worker.runner import JobRunner

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0
"""Between two heartbeats, and between two checks for jobs that are missing in the queue."""
STOP_SECONDS: Final = 8.0
"""How long leaving the current job to the next worker may take."""


class Consumer(Protocol):
    """Takes jobs from a queue, in a thread of its own."""

    def start(self) -> None: ...
    def stop(self, timeout: float) -> None: ...


Consume = Callable[[Callable[[str], None]], Consumer]
"""Builds a consumer from a function that handles a job, given its id."""


class Worker:
    """One training worker; any number of them may share the queue and the directory of runs."""

    def __init__(
        self, runner: JobRunner, queue: JobQueue, consume: Consume, reconciler: Reconciler, heartbeat: Heartbeat
    ) -> None:
        self._runner = runner
        self._queue = queue
        self._consumer = consume(self._run_job)
        self._reconciler = reconciler
        self._heartbeat = heartbeat
        self._stop = Event()
        self._fault = ""
        self._silenced_by = ""

    def run(self) -> None:
        """Work until `stop`; then leave the current job to the next worker at once."""
        if not self._wait_for_queue():
            return
        self._consumer.start()
        log.info("worker %d takes jobs from %s", os.getpid(), self._queue.address)
        self._write_heartbeat(self._heartbeat.begin)
        while not self._stop.wait(LOOK_SECONDS):
            self._write_heartbeat(self._heartbeat.beat)
            self._reconcile()
        log.info("worker %d ends", os.getpid())
        self._consumer.stop(STOP_SECONDS)
        self._heartbeat.end()

    def stop(self) -> None:
        """Make `run` return; may be called by a signal handler."""
        self._stop.set()

    def _wait_for_queue(self) -> bool:
        while not self._queue_answers("waiting for it"):
            if self._stop.wait(LOOK_SECONDS):
                return False
        return True

    def _queue_answers(self, meanwhile: str) -> bool:
        """Whether the queue answers; logged when that changes."""
        fault = self._queue.fault()
        if fault != self._fault:
            if not fault:
                log.info("Redis at %s answers", self._queue.address)
            else:
                why = "does not answer" if fault == AWAY else f"cannot be used ({fault})"
                log.warning("Redis at %s %s: %s", self._queue.address, why, meanwhile)
        self._fault = fault
        return not fault

    def _write_heartbeat(self, write: Callable[[], None]) -> None:
        """Write a heartbeat; an error is logged once, and the work continues."""
        before, self._silenced_by = self._silenced_by, ""
        try:
            write()
        except OSError as error:
            self._silenced_by = space.reason_of(error)
        if self._silenced_by and self._silenced_by != before:
            log.warning("the worker's heartbeat cannot be written: %s", self._silenced_by)

    def _reconcile(self) -> None:
        if not self._queue_answers("no new jobs are taken, a running one continues"):
            return
        try:
            self._reconciler.look()
        except OSError as error:
            log.warning("the directory of runs could not be searched: %s", space.reason_of(error))
        except Exception:  # the next check may succeed, and the current job continues
            log.exception("the directory of runs could not be searched")

    def _run_job(self, job: str) -> None:
        """Run a job from the queue; if it is left unfinished, it is submitted again."""
        try:
            outcome = self._runner.run(job, self._stop)
        except JobNotFoundError as error:
            log.warning("%s", error)
            return
        except Exception:  # one job must not keep the worker from running others
            log.exception("job %s could not be run", job)
            return
        if outcome == "handed over":
            enqueue(job, self._queue)
