"""`charrnn serve` and `charrnn train`: what works in this process, rather than asks a running service."""

from __future__ import annotations

import argparse
import importlib
import os
import time
from typing import Any

from service.commands import train_arguments
from service.processes import preflight
from service.processes.serving import QUIET_THREADS, serve
from service.settings import Settings


def add_serve(commands: Any) -> None:
    """Add the command to the parser."""
    about = "Run the service: web processes, training worker, embedded Redis (default)"
    description = f"{about}. It is configured by environment variables."
    parser = commands.add_parser("serve", help=about, description=description)
    parser.set_defaults(run=_serve)


def add_train(commands: Any) -> None:
    """Add the command to the parser."""
    about = "Train a model on a text file, here in the terminal"
    description = f"{about}. Settings that are omitted are chosen to suit the text."
    parser = commands.add_parser("train", help=about, description=description)
    train_arguments.add_arguments(parser)
    parser.set_defaults(run=_train)


def _serve(_: argparse.Namespace) -> int:
    return serve(Settings())


def _train(parsed: argparse.Namespace) -> int:
    began = time.monotonic()
    preflight.check_torch("training")
    # Imported on demand: it needs torch, which is large, and no other command uses it. Torch's threads
    # read the environment when torch is loaded.
    for name, value in QUIET_THREADS.items():
        os.environ.setdefault(name, value)
    status: int = importlib.import_module("service.commands.train").train(parsed, Settings(), parsed.program, began)
    return status
