"""Makes a data directory from a backup: whole and verified, or none."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final

from durable.entries import drop, is_folder
from model_store.versions import SUFFIX
from service.backup.archive import ArchiveError, ArchiveReader, Contents
from service.data_dir import DataDir
from service.data_format import begin_restore, end_restore
from service.keys.key_file import MADE

LOST_AND_FOUND: Final = "lost+found"
"""In the root of a volume, and not ours."""


class NotEmptyError(Exception):
    """The data directory has something in it; the message says what."""


def restore(file: BinaryIO, data: DataDir) -> Contents:
    """Fill a data directory, which must not exist or have nothing but empty folders, from a backup's file; returns what
    the backup says of itself. Until that is done, no service starts on it. After any error it is empty again.

    Raises NotEmptyError, ArchiveError, DataFormatError for the backup of a newer release, OSError.
    """
    if found := next(_entries(data.root), None):
        raise NotEmptyError(
            f"DATA_DIR={data.root} is not empty (it has {found.relative_to(data.root)}):"
            " restore into a new directory, or move away what is there"
        )
    data.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    begin_restore(data.format)
    try:
        data.make_folders()
        contents = _fill(file, data)
        os.sync()
        end_restore(data.format, contents["format"])
    except BaseException:
        for path in list(_entries(data.root)):
            drop(path)
        raise
    return contents


def _entries(root: Path) -> Iterator[Path]:
    """What is in the directory and in its folders, which may be there already, as the places of volumes."""
    for path in sorted(root.iterdir()) if root.is_dir() else []:
        if is_folder(path) and path.name != LOST_AND_FOUND:
            yield from (each for each in sorted(path.iterdir()) if each.name != LOST_AND_FOUND)
        elif path.name != LOST_AND_FOUND:
            yield path


def _fill(file: BinaryIO, data: DataDir) -> Contents:
    folders = {path.name for path in (data.models, data.corpora, data.runs)}
    single = {MADE, *(path.name for path in data.secrets)}
    archive = ArchiveReader(file)
    for name, modified, content in archive.members():
        parts = PurePosixPath(name).parts
        if not ((parts[0] in folders and len(parts) > 1) or name in single):
            raise ArchiveError(f"{name!r} is no file of a backup")
        _write(data.root / name, content, modified)
    return archive.contents()


def _write(path: Path, content: Iterator[bytes], modified: float) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)  # replaced by a later copy
    with path.open("xb") as file:
        os.fchmod(file.fileno(), 0o444 if path.suffix == SUFFIX else 0o600)
        for data in content:
            file.write(data)
    os.utime(path, (modified, modified))
