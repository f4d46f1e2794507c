"""`python -m service`: the command line; every command is a function of its parsed arguments."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from pydantic import ValidationError

from service import key_commands, train_arguments
from service.commands import add_commands
from service.preflight import StartError
from service.serving import QUIET_THREADS, serve
from service.settings import Settings, problems


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command, `serve` when none is named; the exit status is 0, or 1 with one line that says why."""
    parsed = _parser().parse_args(arguments)
    try:
        status: int = parsed.run(parsed)
    except ValidationError as error:
        return _failure(problems(error))
    except StartError as error:
        return _failure(str(error))
    except KeyboardInterrupt:
        return 130
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m service", description="Text from character-level networks.")
    parser.set_defaults(run=_serve)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    commands.add_parser("serve", help="web processes, training worker, embedded Redis (default)")
    train = commands.add_parser("train", help="a plain text to a published model, here in the terminal")
    train_arguments.add_arguments(train)
    train.set_defaults(run=_train)
    key_commands.add_arguments(commands.add_parser("keys", help="keys for apps and admins: add, list, revoke, open"))
    add_commands(commands)
    return parser


def _serve(_: argparse.Namespace) -> int:
    return serve(Settings())


def _train(parsed: argparse.Namespace) -> int:
    # Imported when it is wanted: torch, which it needs, is large, and no other command has a use for it. Its threads
    # look at the environment when they are loaded.
    for name, value in QUIET_THREADS.items():
        os.environ.setdefault(name, value)
    status: int = importlib.import_module("service.train").train(parsed, Settings())
    return status


def _failure(message: str) -> int:
    print(f"service: {message}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
