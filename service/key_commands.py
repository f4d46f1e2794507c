"""`python -m service keys`: keys for others, made, listed and revoked; a key itself is shown once and never kept."""

from __future__ import annotations

import argparse
import sys

from service.keys import KeyFile, KeyNotFoundError
from service.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What may be done with keys."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    add = actions.add_parser("add", help="make a key; it is printed once, and only its digest is kept")
    add.add_argument("name", help="whose it is, for the list")
    add.add_argument("--admin", action="store_true", help="for training and managing models as well")
    add.set_defaults(run=_add)
    actions.add_parser("list", help="the keys that were made").set_defaults(run=_list)
    revoke = actions.add_parser("revoke", help="take a key back, within a second")
    revoke.add_argument("id", help="its id, from the list")
    revoke.set_defaults(run=_revoke)


def _add(parsed: argparse.Namespace) -> int:
    _say(_file().add("admin" if parsed.admin else "app", parsed.name))
    return 0


def _list(_: argparse.Namespace) -> int:
    for key in _file().all():
        _say("\t".join((key.id, key.role, key.created, f"revoked {key.revoked}" if key.revoked else "valid", key.name)))
    return 0


def _revoke(parsed: argparse.Namespace) -> int:
    try:
        _file().revoke(parsed.id)
    except KeyNotFoundError as error:
        sys.stderr.write(f"service: {error}\n")
        return 1
    return 0


def _file() -> KeyFile:
    return KeyFile(Settings().data_dir / "keys.json")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
