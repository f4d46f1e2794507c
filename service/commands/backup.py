"""`charrnn backup` and `charrnn restore`: everything that a service keeps, in one file."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final

from charrnn.wording import count
from durable.clock import now
from durable.drafts import draft, draft_folder
from service import data_format
from service.backup.archive import ArchiveError, ArchiveWriter
from service.backup.copying import ChangingError, copy
from service.backup.restoring import NotEmptyError, restore
from service.data_dir import DataDir
from service.migration import command as migration
from service.migration.command import CopyError
from service.settings import Settings

STANDARD: Final = "-"

BACKUP: Final = """\
Write models, corpora, jobs and keys in DATA_DIR to FILE, while the service runs. FILE gets its name when it is
complete, and replaces one of that name. It contains keys and is readable only by its owner: keep it like a password.
Secrets that are set as variables or files of their own are not in it, nor what can be made again: the queue, cached
results, packed weights. If a file cannot be read, the others are in FILE, and the exit status is 1. With STORE_URL, all
of the store is written to FILE; it is first fetched to a folder beside FILE, which needs as much space again."""
RESTORE: Final = """\
Fill DATA_DIR, which must be new or empty, from FILE, which may be compressed with gzip, bzip2 or xz. Every file is
verified. After any error DATA_DIR is empty again. Run this as the user of the service, before the service starts, and
without STORE_URL: a directory is copied into a store afterwards."""


def add_backup(commands: Any) -> None:
    """Add the command to the parser."""
    _add(commands, "backup", "Write everything in DATA_DIR to a file, while the service runs", BACKUP, _backup)


def add_restore(commands: Any) -> None:
    """Add the command to the parser."""
    _add(commands, "restore", "Fill a new DATA_DIR from such a file", RESTORE, _restore)


def _add(commands: Any, name: str, about: str, description: str, run: Callable[[argparse.Namespace], int]) -> None:
    parser = commands.add_parser(name, help=about, description=description)
    way = "output" if name == "backup" else "input"
    parser.add_argument("file", metavar="FILE", help=f"name of the file; {STANDARD}: standard {way}")
    parser.set_defaults(run=run)


def _backup(parsed: argparse.Namespace) -> int:
    settings = Settings()
    if settings.store_url:
        return _backup_of_store(settings.store_url, parsed.file)
    data = settings.data
    if not data.root.is_dir():
        return _failure(f"there is no DATA_DIR={data.root}")
    data_format.check(data.format)
    return _backup_of(data, parsed.file, [])


def _backup_of_store(url: str, name: str) -> int:
    """The same of a store, by way of a directory of one machine."""
    with draft_folder(Path(tempfile.gettempdir()) if name == STANDARD else Path(name).parent) as folder:
        data = DataDir(folder / "data")
        try:
            left = migration.copy(url, str(data.root), lambda _: None)
        except CopyError as error:
            return _failure(str(error))
        return _backup_of(data, name, left)


def _backup_of(data: DataDir, name: str, unread: list[str]) -> int:
    try:
        with _output(name) as file:
            archive = ArchiveWriter(file, data_format.FORMAT, now())
            unread += copy(data, archive)
            archive.close()
    except BrokenPipeError:
        return _failure("the output was closed before the backup was complete")
    except ChangingError as error:
        return _failure(str(error))
    for each in unread:
        _say(f"not in the backup: {each}")
    _say(f"{count(archive.count, 'file')} backed up")
    return int(bool(unread))


def _restore(parsed: argparse.Namespace) -> int:
    settings = Settings()
    data = settings.data
    if settings.store_url:
        return _failure("STORE_URL is set: restore to a directory without it, and copy that into a new store")
    try:
        with _input(parsed.file) as file:
            contents = restore(file, data)
    except NotEmptyError as error:
        return _failure(str(error))
    except ArchiveError as error:
        return _failure(f"{parsed.file} is not a whole, undamaged backup: {error}")
    _say(f"{count(len(contents['files']), 'file')} of {contents['began']} restored to DATA_DIR={data.root}")
    return 0


@contextmanager
def _output(name: str) -> Iterator[BinaryIO]:
    if name == STANDARD:
        yield sys.stdout.buffer
        return
    path = Path(name)
    with draft(path.parent, 0o600) as new:
        yield new.file
        new.put(path)


@contextmanager
def _input(name: str) -> Iterator[BinaryIO]:
    if name == STANDARD:
        yield sys.stdin.buffer
        return
    with Path(name).open("rb") as file:
        yield file


def _failure(message: str) -> int:
    _say(message)
    return 1


def _say(message: str) -> None:
    sys.stderr.write(f"service: {message}\n")
