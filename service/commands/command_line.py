"""The command line of the service: its commands and their exit statuses."""

from __future__ import annotations

import argparse
import importlib
import logging
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from charrnn import __version__
from console import program
from service.client import ServiceError
from service.commands import asking
from service.data_format import DataFormatError
from service.processes.preflight import StartError
from service.settings import problems

log = logging.getLogger(__name__)

NAME: Final = "service"
"""The prefix of error messages."""

MODULES: Final = {
    **dict.fromkeys(("serve", "train"), "here"),
    "keys": "keys",
    **dict.fromkeys(("backup", "restore"), "backup"),
    **{name: name for name in ("generate", "complete", "records")},
    **dict.fromkeys(("classify", "tag", "transduce", "compare"), "labels"),
    "upload": "models",
    "jobs": "jobs",
    "models": "models",
}
"""The module whose `add_<command>` adds a command, in the order of the help. Only that of the typed one is loaded: all
of them take as long as everything else until a text comes back."""

STATUSES: Final = (
    "exit status: 0 success; 1 refused or failed; 2 incorrect usage; 3 the service cannot be reached;"
    " 130 interrupted by Ctrl-C. Settings are environment variables: HOST, PORT, DATA_DIR, ...; see the README."
)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command, by default `serve`; returns the exit status. Errors are reported in one line."""
    return program.run(NAME, lambda: _run(arguments))


def _run(arguments: Sequence[str] | None) -> int:
    typed = list(sys.argv[1:] if arguments is None else arguments) or ["serve"]
    parsed = _parser(typed[0]).parse_args(typed)
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


def _parser(typed: str = "") -> argparse.ArgumentParser:
    """With the command that was typed; with all of them if that is none."""
    parser = argparse.ArgumentParser(
        prog=program_name(),
        description="Character-level recurrent language models: serve, train, generate.",
        epilog=STATUSES,
    )
    parser.add_argument("--version", action="version", version=f"charrnn {__version__}")
    parser.set_defaults(program=program_name())
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in [typed] if typed in MODULES else MODULES:
        module = importlib.import_module(f"service.commands.{MODULES[name]}")
        getattr(module, f"add_{name}")(commands)
    return parser
