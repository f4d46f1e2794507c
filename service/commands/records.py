"""`charrnn records`: records from a running service, one a line, as they are generated."""

from __future__ import annotations

import argparse
import sys
from typing import Any, Final

from charrnn.wording import count
from service.api.schemas.patterns import OTHER_NAMES
from service.api.schemas.records import RecordsBody
from service.client import Client, Json
from service.commands.asking import add_command, say, say_json
from service.commands.options import add_options, given
from service.commands.patterns import pointing, warn_of_skipped

OWN: Final = frozenset({"model", "logprobs", *OTHER_NAMES})
"""Fields that are not options: the argument, and what has no meaning here."""

DEFAULT_COUNT: Final = 10


def add_records(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(commands, "records", "Generate records", _records)
    parser.add_argument("model", help="the model: name, name@3 (that version) or name@alias")
    parser.add_argument("--separator", default="\n", metavar="TEXT", help="written after each record (default: LF)")
    add_options(parser, RecordsBody, OWN, {"count": DEFAULT_COUNT})


def _records(parsed: argparse.Namespace, client: Client) -> None:
    asked = {"count": DEFAULT_COUNT} | given(parsed, RecordsBody, OWN)
    with pointing(asked):
        for line in client.record_lines(parsed.model, **asked):
            if parsed.json:
                say_json(line)
            elif "done" not in line:
                say(line["text"], end=parsed.separator)
            else:
                _warn(line)


def _warn(end: Json) -> None:
    """Say on standard error what the last line says that was not expected."""
    warn_of_skipped(end.get("pattern_skipped", ()))
    if end["exhausted"]:
        _warn_of_few(end)


def _warn_of_few(end: Json) -> None:
    """Say on standard error that there are fewer than asked for."""
    sys.stderr.write(
        f"service: {count(end['count'], 'record')} after {count(end['tried'], 'candidate')}: the last ones were all"
        " refused by --unique or --novel\n"
    )
