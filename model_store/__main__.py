"""The model store from a terminal: `python -m model_store list | show | promote | rollback | delete | copy`."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from console import program
from durable.objects import StoreSettingsError, StoreUnavailableError
from durable.opening import open_objects
from durable.reading import DamagedFileError
from model_store import CURRENT, DamagedVersionError, ModelStore, StoreError, VersionInfo, parse_reference
from model_store.shared import SharedModelStore
from model_store.store import FOLDER

NAME: Final = "error"
"""The prefix of error messages."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0 on success, 1 on failure, 2 for incorrect usage."""
    return program.run(NAME, lambda: _run(arguments))


def _run(arguments: Sequence[str] | None) -> int:
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(_opened(options), options) or 0
    except (StoreError, DamagedFileError, StoreUnavailableError, StoreSettingsError) as error:
        return program.failure(NAME, str(error))
    return status


def _opened(options: argparse.Namespace) -> ModelStore:
    """The store in the directory, or the one of several machines, of which the directory has a mirror."""
    folder = options.data_dir / FOLDER
    if not options.store_url or options.run is _copy:
        return ModelStore(folder)
    store = SharedModelStore(folder, open_objects(options.store_url))
    store.refresh()
    return store


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m model_store", description="Manage the published models.")
    parser.add_argument(
        "--data-dir",
        type=Path,
        default=Path(os.environ.get("DATA_DIR") or "data"),
        help=f"where the service keeps its data; models are in DIR/{FOLDER} (default: $DATA_DIR, else ./data)",
        metavar="DIR",
    )
    parser.add_argument(
        "--store-url",
        default=os.environ.get("STORE_URL") or "",
        help="the store that several machines share, s3://bucket/prefix; DIR then mirrors it (default: $STORE_URL)",
        metavar="URL",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    commands.add_parser("list", help="list all models with their versions and aliases").set_defaults(run=_list)
    show = commands.add_parser("show", help="show a version's record")
    show.add_argument("reference", metavar="NAME[@VERSION|@ALIAS]")
    show.set_defaults(run=_show)
    promote = commands.add_parser("promote", help="point an alias to a version")
    promote.add_argument("name", metavar="NAME")
    promote.add_argument("version", type=int, metavar="VERSION")
    promote.set_defaults(run=_promote)
    rollback = commands.add_parser("rollback", help="point an alias back to its previous version")
    rollback.add_argument("name", metavar="NAME")
    rollback.set_defaults(run=_rollback)
    for command in (promote, rollback):
        command.add_argument("--alias", default=CURRENT, help=f"default: {CURRENT}")
        command.add_argument("--reason", default="", help="kept in the alias's history")
    delete = commands.add_parser("delete", help="delete a version that no alias points to")
    delete.add_argument("name", metavar="NAME")
    delete.add_argument("version", type=int, metavar="VERSION")
    delete.set_defaults(run=_delete)
    copy = commands.add_parser(
        "copy",
        help="copy a service's data between a directory and a store of several machines, or between stores",
        description="What is there already is neither copied again nor overwritten; can be repeated at any time.",
    )
    copy.add_argument("source", metavar="FROM", help="a DATA_DIR, or s3://bucket/prefix; AWS_* variables apply")
    copy.add_argument("target", metavar="TO", help="the same; a directory must be new")
    copy.add_argument("--models", action="store_true", help="the models alone, without corpora, jobs and keys")
    copy.set_defaults(run=_copy)
    return parser


def _copy(_: ModelStore, options: argparse.Namespace) -> int:
    """What corpora and jobs are, only the service knows: it is loaded for this command alone."""
    command = importlib.import_module("service.migration.command")
    try:
        left = command.copy(options.source, options.target, print, models_only=options.models)
    except command.CopyError as error:
        return program.failure(NAME, str(error))
    for sentence in left:
        program.failure("left out", sentence)
    return 1 if left else 0


def _list(store: ModelStore, options: argparse.Namespace) -> None:
    for name in store.models():
        pointing: dict[int, list[str]] = {}
        for alias, version in sorted(store.aliases(name).items()):
            pointing.setdefault(version, []).append(alias)
        for version in store.versions(name):
            print(_shown(store, name, version, pointing.get(version, [])))
    if not store.models():
        print(f"no models in {options.data_dir}", file=sys.stderr)


def _shown(store: ModelStore, name: str, version: int, aliases: list[str]) -> str:
    try:
        return _line(store.describe(name, version), aliases)
    except DamagedVersionError as error:
        return f"{name}@{version:<4} damaged: {error.reason} {' '.join(aliases)}".rstrip()


def _line(entry: VersionInfo, aliases: list[str]) -> str:
    config, loss = entry.config, entry.record.validation_loss
    network = f"{config.cell} {config.layers}x{config.hidden_size}"
    shown = "-" if loss is None else f"{loss:.4f}"
    return f"{entry.name}@{entry.version:<4} {network:<12} {shown:>8} {entry.published} {' '.join(aliases)}".rstrip()


def _show(store: ModelStore, options: argparse.Namespace) -> None:
    name, selector = parse_reference(options.reference)
    entry = store.describe(name, store.resolve(name, selector))
    for title, value in (
        ("model", name),
        ("version", entry.version),
        ("digest", entry.digest),
        ("bytes", entry.bytes),
        ("published", entry.published),
        *entry.config.as_dict().items(),
        *sorted(entry.record.json.items()),
    ):
        print(f"{title:<18} {f'a list of {len(value)}' if isinstance(value, list) else value}")
    for alias in sorted(store.aliases(name)):
        for change in store.history(name, alias):
            note = " (rolled back)" if change.rolled_back else ""
            print(f"@{alias:<17} {change.time} version {change.version}{note} {change.reason}".rstrip())


def _promote(store: ModelStore, options: argparse.Namespace) -> None:
    store.set_alias(options.name, options.alias, options.version, options.reason)
    print(f"{options.name}@{options.alias} is version {options.version}")


def _rollback(store: ModelStore, options: argparse.Namespace) -> None:
    version = store.rollback(options.name, options.alias, options.reason)
    print(f"{options.name}@{options.alias} is version {version}")


def _delete(store: ModelStore, options: argparse.Namespace) -> None:
    store.delete(options.name, options.version)
    print(f"deleted version {options.version} of {options.name}")


if __name__ == "__main__":
    sys.exit(main())
