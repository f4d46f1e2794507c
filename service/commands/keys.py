"""`charrnn keys`: creates, lists and revokes keys; a key itself is shown once and never stored."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Final

from service.keys.errors import KeyNameError, KeyNotFoundError, KeysInUseError, KeysUnavailableError
from service.keys.key_file import KeyFile
from service.settings import Settings

Command = Callable[[argparse.Namespace, Settings], None]

OPEN: Final = """\
Once an app key has been created, apps need a key, even after the last one is revoked. This command lets apps in without
a key again, within a second. Revoked app keys are forgotten; admin keys are kept. The command is refused while an app
key is valid. A keys.json that cannot be read is set aside, with all keys in it, admin keys too; if keys.json was lost,
the record that there were keys is removed. API_KEYS, if set, still applies."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    about = "create a key; it is printed once, and only its digest is stored"
    add = actions.add_parser("add", help=about, description=about)
    add.add_argument("name", help="a name for the key, shown in the list")
    add.add_argument("--admin", action="store_true", help="also permit training and managing models")
    about = "revoke a key; takes effect within a second"
    revoke = actions.add_parser("revoke", help=about, description=about)
    revoke.add_argument("id", help="id of the key, from the list")
    about = "list the keys"
    open_again = "let apps in without a key again, after the last app key was revoked"
    commands: dict[argparse.ArgumentParser, Command] = {
        add: _add,
        revoke: _revoke,
        actions.add_parser("list", help=about, description=about): _list,
        actions.add_parser("open", help=open_again, description=OPEN): _open,
    }
    for command, do in commands.items():
        command.set_defaults(run=_run, do=do)


def _run(parsed: argparse.Namespace) -> int:
    settings, do = Settings(), parsed.do
    try:
        do(parsed, settings)
    except (KeyNameError, KeyNotFoundError, KeysInUseError) as error:
        return _failure(str(error))
    except KeysUnavailableError as error:
        return _failure(
            f"{error}; restore a copy of it, or move it away and create new keys (keys add NAME),"
            " or let apps in without one (keys open)"
        )
    except BrokenPipeError:  # a closed output pipe is not a fault of the directory
        raise
    except OSError as error:
        return _failure(f"DATA_DIR={settings.data_dir} cannot be used: {error.strerror}")
    return 0


def _add(parsed: argparse.Namespace, settings: Settings) -> None:
    _say(_file(settings).add("admin" if parsed.admin else "app", parsed.name))


def _list(_: argparse.Namespace, settings: Settings) -> None:
    for key in _file(settings).all():
        _say("\t".join((key.id, key.role, key.created, f"revoked {key.revoked}" if key.revoked else "valid", key.name)))


def _revoke(parsed: argparse.Namespace, settings: Settings) -> None:
    _file(settings).revoke(parsed.id)


def _open(_: argparse.Namespace, settings: Settings) -> None:
    if (aside := _file(settings).open()) is not None:
        _say(f"the keys that could not be read are set aside: {aside}")
    _say(
        "apps still need one of API_KEYS, which is set"
        if settings.api_keys
        else "apps are let in without a key from now on; managing still needs an admin key"
    )


def _file(settings: Settings) -> KeyFile:
    return KeyFile(settings.data)


def _failure(message: str) -> int:
    sys.stderr.write(f"service: {message}\n")
    return 1


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
