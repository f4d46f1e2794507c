"""What the commands that ask a running service have in common: its address, the key, and the format of their output."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from console.program import FAILED
from service.address import HERE, is_here, url
from service.client import Client, ServiceError
from service.settings import ClientSettings, Settings

NOT_REACHED: Final = 3
SEPARATOR: Final = "\n---\n"
"""Between several texts."""

Command = Callable[[argparse.Namespace, Client], int | None]


def add_command(commands: Any, name: str, about: str, command: Command, **options: Any) -> argparse.ArgumentParser:
    """Add a parser for a command that asks a running service; `run` of the parsed arguments executes it."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=f"{about} (asks a running service)", description=f"{about} (asks a running service).", **options
    )
    parser.add_argument("--url", help=f"URL of the service (default: CHARRNN_URL, else http://{HERE}:PORT)")
    parser.add_argument(
        "--key",
        help="key to send (default: CHARRNN_KEY; for a service on this machine, also the key in its settings or in"
        " DATA_DIR)",
    )
    parser.add_argument("--json", action="store_true", help="print the service's reply as JSON")
    parser.set_defaults(run=lambda parsed: _run(command, parsed), parser=parser)
    return parser


def _run(command: Command, parsed: argparse.Namespace) -> int:
    """Run the command and return its exit status, 0 by default. Raises ServiceError, and SystemExit for incorrect
    usage."""
    settings, given = Settings(), ClientSettings()
    address = parsed.url or given.charrnn_url or url(HERE, settings.port)
    try:
        client = Client(address, parsed.key or given.charrnn_key or _own_key(settings, address))
    except ValueError as error:
        parsed.parser.error(str(error))
    return command(parsed, client) or 0


def status_of(error: ServiceError) -> int:
    """The exit status: 3 if there was no reply, 1 if the service refused."""
    return NOT_REACHED if error.status == 0 else FAILED


def in_words(error: ServiceError) -> str:
    """The error, and what to do if the service cannot be reached."""
    todo = ""
    if error.code == "not_reached":
        todo = "; start it (make run, or the command serve), or say where it is with --url or CHARRNN_URL"
    elif error.status == 401:
        todo = "; give one with --key or CHARRNN_KEY"
    return error.message + todo


def _own_key(settings: Settings, address: str) -> str | None:
    """The key of the service on this machine, which is not sent to any other address."""
    if not is_here(urlsplit(address if "//" in address else f"//{address}").hostname or ""):
        return None
    kept = settings.data.admin_key
    known = [*settings.admin_api_keys, *([kept.read_text().strip()] if os.access(kept, os.R_OK) else [])]
    return next(iter([*known, *settings.api_keys]), None)


def say(text: object = "", end: str = "\n") -> None:
    """Print the text at once."""
    print(text, end=end, flush=True)


def say_json(value: Any) -> None:
    """Print one line of JSON in ASCII, for programs, whatever the terminal's encoding is."""
    say(json.dumps(value))


def say_table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print a table with columns as wide as their content."""
    lines = [tuple(head), *(tuple(map(str, row)) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    for line in lines:
        say("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def number(value: Any) -> str:
    """A loss, or a dash if there is none."""
    return f"{value:.3f}" if isinstance(value, int | float) else "-"
