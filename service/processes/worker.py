"""The worker's process: takes jobs from the queue and trains them until a signal ends it; knows no HTTP."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable
from threading import Event
from types import FrameType
from typing import Final

from model_store.store import ModelStore
from service import logs
from service.data_dir import DataDir
from service.settings import read_settings
from service.training.corpora import CorpusStore
from service.training.errors import JobNotFoundError, QueueDownError
from service.training.heartbeats import Heartbeat
from service.training.jobs import JobStore
from service.training.queue import JobConsumer, JobQueue, QuietConnections, shown
from service.training.reconciler import Reconciler

try:
    from service.training.job_trainer import JobTrainer
    from service.training.runner import JobRunner
except ModuleNotFoundError as error:
    if __name__ != "__main__" or error.name != "torch":
        raise
    sys.exit("service: training needs PyTorch, which is not installed: pip install torch")

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0
STOP_SECONDS: Final = 8.0
NICENESS: Final = 10


class Worker:
    """One training worker on the data in `data` and the queue at `redis_url`."""

    def __init__(self, data: DataDir, redis_url: str) -> None:
        self._jobs = JobStore(data.runs)
        self._queue = JobQueue(redis_url)
        models = ModelStore(data.models)
        self._runner = JobRunner(self._jobs, models, JobTrainer(CorpusStore(data.corpora), models))
        self._reconciler = Reconciler(self._jobs, self._queue)
        self._consumer = JobConsumer(redis_url, self._handle)
        self._heartbeat = Heartbeat(data.runs)
        self._stop = Event()
        self._answered = True

    def run(self) -> None:
        """Work until `stop`; then leave the job in hand to the next worker, at once."""
        if not self._wait_for_queue():
            return
        self._consumer.start()
        log.info("worker %d takes jobs from %s", os.getpid(), shown(self._queue.url))
        self._tell(self._heartbeat.begin)
        while not self._stop.wait(LOOK_SECONDS):
            self._tell(self._heartbeat.beat)
            self._look()
        log.info("worker %d ends", os.getpid())
        self._consumer.stop(STOP_SECONDS)
        self._heartbeat.end()

    def stop(self) -> None:
        """Make `run` return; may be called by a signal's handler."""
        self._stop.set()

    def _wait_for_queue(self) -> bool:
        while not self._watch_queue("waiting for it"):
            if self._stop.wait(LOOK_SECONDS):
                return False
        return True

    def _watch_queue(self, meanwhile: str) -> bool:
        """Whether the queue answers; said once when it stops and once when it starts to."""
        answers = self._queue.available()
        if answers != self._answered:
            address = shown(self._queue.url)
            if answers:
                log.info("Redis at %s answers", address)
            else:
                log.warning("Redis at %s does not answer: %s", address, meanwhile)
        self._answered = answers
        return answers

    def _tell(self, sign: Callable[[], None]) -> None:
        """A sign of life that cannot be given costs no more than that."""
        try:
            sign()
        except OSError as error:
            log.warning("the worker's sign of life could not be written: %s", error.strerror)

    def _look(self) -> None:
        if not self._watch_queue("no new jobs are taken, a running one continues"):
            return
        try:
            self._reconciler.look()
        except OSError as error:
            log.warning("the directory of runs could not be looked through: %s", error.strerror)
        except Exception:  # whatever it is, the next look may do better, and the job in hand goes on
            log.exception("the directory of runs could not be looked through")

    def _handle(self, job: str) -> None:
        """What is done with a job from the queue; one that is left halfway is handed in again."""
        try:
            outcome = self._runner.run(job, self._stop)
        except JobNotFoundError as error:
            log.warning("%s", error)
            return
        except Exception:  # one job must not keep the worker from the others
            log.exception("job %s could not be run", job)
            return
        if outcome == "handed over":
            try:
                self._queue.submit(job)
            except QueueDownError as error:
                log.warning("job %s waits in the directory of runs: %s", job, error)


def main() -> int:
    """Run a worker with the settings of the environment until SIGTERM or SIGINT; the exit status."""
    settings = read_settings()
    logs.configure(settings)
    # Of dramatiq's own messages only warnings are of interest, and the worker itself logs whether Redis answers.
    logging.getLogger("dramatiq").setLevel(logging.WARNING)
    for handler in logging.getLogger().handlers:
        handler.addFilter(QuietConnections())
    # Whoever waits for generated text goes first.
    os.nice(NICENESS)
    worker = Worker(settings.data, settings.redis_url)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        worker.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    worker.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
