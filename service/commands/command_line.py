"""The command line of the service: its commands and their exit statuses."""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from charrnn import __version__
from console import program
from service.client import ServiceError
from service.commands import asking, train_arguments
from service.commands import keys as key_commands
from service.commands.backup import add_backup
from service.commands.complete import add_complete
from service.commands.generate import add_generate
from service.commands.jobs import add_jobs
from service.commands.labels import add_classify, add_compare, add_tag, add_transduce
from service.commands.models import add_models, add_upload
from service.commands.records import add_records
from service.data_format import DataFormatError
from service.processes import preflight
from service.processes.preflight import StartError
from service.processes.serving import QUIET_THREADS, serve
from service.settings import Settings, problems

log = logging.getLogger(__name__)

NAME: Final = "service"
"""The prefix of error messages."""

ADD: Final = (
    *(add_generate, add_complete, add_records),
    *(add_classify, add_tag, add_transduce, add_compare),
    *(add_upload, add_jobs, add_models),
)
"""The commands that ask a running service, in the order of the help."""

STATUSES: Final = (
    "exit status: 0 success; 1 refused or failed; 2 incorrect usage; 3 the service cannot be reached;"
    " 130 interrupted by Ctrl-C. Settings are environment variables: HOST, PORT, DATA_DIR, ...; see the README."
)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command, by default `serve`; returns the exit status. Errors are reported in one line."""
    return program.run(NAME, lambda: _run(arguments))


def _run(arguments: Sequence[str] | None) -> int:
    parsed = _parser().parse_args(arguments)
    try:
        status: int = parsed.run(parsed)
    except ValidationError as error:
        return program.failure(NAME, problems(error))
    except (StartError, DataFormatError) as error:
        return program.failure(NAME, str(error))
    except ServiceError as error:
        notes = getattr(error, "__notes__", ())
        return program.failure(NAME, asking.in_words(error), asking.status_of(error), notes)
    except OSError:
        raise
    except Exception as error:
        log.debug("unexpected", exc_info=True)
        return program.failure(NAME, f"unexpected: {type(error).__name__}: {error}")
    return status


def program_name() -> str:
    """This command as it was called, so that printed commands can be copied."""
    called = sys.argv[0]
    if Path(called).name == "__main__.py":
        return f"python -m {NAME}"
    return Path(called).name if shutil.which(Path(called).name) == called else called


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program_name(),
        description="Character-level recurrent language models: serve, train, generate.",
        epilog=STATUSES,
    )
    parser.add_argument("--version", action="version", version=f"charrnn {__version__}")
    parser.set_defaults(run=_serve)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    about = "Run the service: web processes, training worker, embedded Redis (default)"
    commands.add_parser("serve", help=about, description=f"{about}. It is configured by environment variables.")
    about = "Train a model on a text file, here in the terminal"
    train = commands.add_parser(
        "train", help=about, description=f"{about}. Settings that are omitted are chosen to suit the text."
    )
    train_arguments.add_arguments(train)
    train.set_defaults(run=_train)
    about = "Manage keys for apps and admins: add, list, revoke, open"
    key_commands.add_arguments(commands.add_parser("keys", help=about, description=about))
    add_backup(commands)
    for add in ADD:
        add(commands)
    return parser


def _serve(_: argparse.Namespace) -> int:
    return serve(Settings())


def _train(parsed: argparse.Namespace) -> int:
    began = time.monotonic()
    preflight.check_torch("training")
    # Imported on demand: it needs torch, which is large, and no other command uses it. Torch's threads
    # read the environment when torch is loaded.
    for name, value in QUIET_THREADS.items():
        os.environ.setdefault(name, value)
    status: int = importlib.import_module("service.commands.train").train(parsed, Settings(), program_name(), began)
    return status
