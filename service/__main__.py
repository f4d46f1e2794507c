"""`python -m service` and `charrnn`: the command line; Ctrl-C ends it without a traceback even while modules are being
loaded."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    try:
        status: int = importlib.import_module("service.commands.command_line").run(arguments)
    except KeyboardInterrupt:
        return 130
    return status


if __name__ == "__main__":
    sys.exit(main())
