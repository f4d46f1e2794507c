"""The worker process: runs a worker until SIGTERM or SIGINT; knows no HTTP."""

from __future__ import annotations

import logging
import signal
import sys
from types import FrameType

from service import logs
from service.processes import preflight, priority
from service.settings import read_settings
from service.training.queue.job_queue import QuietConnections

try:
    from service.bootstrap.training import build_worker
except ModuleNotFoundError as error:
    if __name__ != "__main__" or error.name != "torch":
        raise
    sys.exit("service: training needs PyTorch, which is not installed: pip install torch")


def main() -> int:
    """Run a worker with the settings of the environment until SIGTERM or SIGINT; returns the exit status."""
    settings = read_settings()
    logs.never_wait(settings)
    logs.configure(settings)
    # Of dramatiq's messages only warnings are useful; the worker itself logs when Redis fails and recovers.
    logging.getLogger("dramatiq").setLevel(logging.WARNING)
    for handler in logging.getLogger().handlers:
        handler.addFilter(QuietConnections())
    preflight.check_format(settings.data)
    priority.lower()
    worker = build_worker(settings)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        worker.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    worker.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
