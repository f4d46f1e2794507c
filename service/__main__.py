"""`python -m service` and `charrnn`: the command line; Ctrl-C ends it without a traceback even while modules are being
loaded."""

from __future__ import annotations

import importlib
import signal
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    try:
        status: int = importlib.import_module("service.commands.command_line").run(arguments)
    except KeyboardInterrupt:
        return 130
    return status


def run_and_exit() -> None:
    """Run the command that was typed, and end with its status. Once it is done, Ctrl-C comes too late to change that:
    without its handler, which Python removes first of all, it would end the process by the signal."""
    status = main()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(status)


if __name__ == "__main__":
    run_and_exit()
