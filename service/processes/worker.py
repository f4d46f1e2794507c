"""The worker's process: a worker that SIGTERM or SIGINT ends; knows no HTTP."""

from __future__ import annotations

import logging
import os
import signal
import sys
from types import FrameType
from typing import Final

from service import logs
from service.settings import read_settings
from service.training.queue import QuietConnections

try:
    from service.bootstrap.training import build_worker
except ModuleNotFoundError as error:
    if __name__ != "__main__" or error.name != "torch":
        raise
    sys.exit("service: training needs PyTorch, which is not installed: pip install torch")

NICENESS: Final = 10
"""Added to the process's own, so that requests for text go before training."""


def main() -> int:
    """Run a worker with the settings of the environment until SIGTERM or SIGINT; the exit status."""
    settings = read_settings()
    logs.configure(settings)
    # Of dramatiq's own messages only warnings are of use here, and the worker itself logs when Redis comes and goes.
    logging.getLogger("dramatiq").setLevel(logging.WARNING)
    for handler in logging.getLogger().handlers:
        handler.addFilter(QuietConnections())
    os.nice(NICENESS)
    worker = build_worker(settings)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        worker.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    worker.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
