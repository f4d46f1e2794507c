"""`charrnn keys`: creates, lists and revokes keys; a key itself is shown once and never stored."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from typing import Any, Final

from durable.objects import ObjectsError, StoreSettingsError, StoreUnavailableError
from durable.opening import open_objects
from service.keys.errors import KeyNameError, KeyNotFoundError, KeysInUseError, KeysUnavailableError
from service.keys.key_file import KeyFile
from service.keys.opening import key_file
from service.keys.shared import SharedKeyFile
from service.redis_servers.hints import KEYS, Hints
from service.settings import Settings

Command = Callable[[argparse.Namespace, Settings], None]

OPEN: Final = """\
Once an app key has been created, apps need a key, even after the last one is revoked. This command lets apps in without
a key again, within a second. Revoked app keys are forgotten; admin keys are kept. The command is refused while an app
key is valid. A keys.json that cannot be read is set aside, with all keys in it, admin keys too; if keys.json was lost,
the record that there were keys is removed. API_KEYS, if set, still applies."""


def add_keys(commands: Any) -> None:
    """Add the command and its subcommands to the parser."""
    about = "Manage keys for apps and admins: add, list, revoke, open"
    parser = commands.add_parser("keys", help=about, description=about)
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
    by_action: dict[argparse.ArgumentParser, Command] = {
        add: _add,
        revoke: _revoke,
        actions.add_parser("list", help=about, description=about): _list,
        actions.add_parser("open", help=open_again, description=OPEN): _open,
    }
    for action, do in by_action.items():
        action.set_defaults(run=_run, do=do)


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
    except (StoreUnavailableError, StoreSettingsError, ObjectsError) as error:
        return _failure(f"STORE_URL={settings.store_url} cannot be used: {error}")
    except OSError as error:
        return _failure(f"DATA_DIR={settings.data_dir} cannot be used: {error.strerror}")
    return 0


def _add(parsed: argparse.Namespace, settings: Settings) -> None:
    with _file(settings) as file:
        _say(file.add("admin" if parsed.admin else "app", parsed.name))


def _list(_: argparse.Namespace, settings: Settings) -> None:
    with _file(settings) as file:
        if isinstance(file, SharedKeyFile):
            file.refresh()
        for key in file.all():
            state = f"revoked {key.revoked}" if key.revoked else "valid"
            _say("\t".join((key.id, key.role, key.created, state, key.name)))


def _revoke(parsed: argparse.Namespace, settings: Settings) -> None:
    with _file(settings) as file:
        file.revoke(parsed.id)


def _open(_: argparse.Namespace, settings: Settings) -> None:
    with _file(settings) as file:
        aside = file.open()
    if aside is not None:
        _say(f"the keys that could not be read are set aside: {aside}")
    _say(
        "apps still need one of API_KEYS, which is set"
        if settings.api_keys
        else "apps are let in without a key from now on; managing still needs an admin key"
    )


@contextmanager
def _file(settings: Settings) -> Iterator[KeyFile]:
    """The keys of this machine, or of all that share a store; these hear of a change at once where they have Redis."""
    if not settings.store_url:
        yield key_file(settings.data)
        return
    with closing(Hints(settings.redis_url)) as hints:
        yield key_file(settings.data, open_objects(settings.store_url), partial(hints.publish, KEYS))


def _failure(message: str) -> int:
    sys.stderr.write(f"service: {message}\n")
    return 1


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
