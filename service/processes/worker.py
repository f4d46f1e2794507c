"""The worker process: runs a worker until SIGTERM or SIGINT; knows no HTTP."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from types import FrameType
from typing import Final

from service import logs
from service.processes import preflight, priority
from service.settings import read_settings
from service.training.queue.job_queue import QuietConnections

try:
    from service.bootstrap.training import build_trainer, build_worker
except ModuleNotFoundError as error:
    if __name__ != "__main__" or error.name != "torch":
        raise
    sys.exit("service: training needs PyTorch, which is not installed: pip install torch")


LEAVE_SECONDS: Final = 5.0
"""The mirror of a shared store is left to a web process, whose requests are counted, if there is one soon."""
LOOK_SECONDS: Final = 0.1
"""Between two looks whether the mirror has what a job may need."""


def main() -> int:
    """Run a worker with the settings of the environment until SIGTERM or SIGINT; returns the exit status."""
    settings = read_settings()
    logs.never_wait(settings)
    logs.configure(settings)
    # Of dramatiq's messages only warnings are useful; the worker itself logs when Redis fails and recovers.
    logging.getLogger("dramatiq").setLevel(logging.WARNING)
    for handler in logging.getLogger().handlers:
        handler.addFilter(QuietConnections())
    preflight.check_data(settings)
    priority.lower()
    training = build_trainer(settings)
    worker, mirror, stopped = build_worker(settings, training=training), training.mirror, threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopped.set()
        worker.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    mirror.start(LEAVE_SECONDS)
    while not mirror.is_filled() and not stopped.wait(LOOK_SECONDS):
        pass
    worker.run()
    mirror.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
