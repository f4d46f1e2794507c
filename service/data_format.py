"""The number of the data directory's format, in a small file there, so that no release works on what it cannot read."""

from __future__ import annotations

import json
import logging
from contextlib import suppress
from pathlib import Path
from typing import Final, NotRequired

from pydantic import TypeAdapter
from typing_extensions import TypedDict

from durable import files
from durable.entries import set_aside
from durable.reading import DamagedFileError, read_json

FORMAT: Final = 1
"""The newest format that this release reads, and the one that it writes. What an earlier release would misread needs a
higher number; tests/service/test_data_format.py opens a directory of each."""


class _FormatFile(TypedDict):
    """The content of the file; `restoring` as long as the directory is being filled from a backup."""

    format: int
    restoring: NotRequired[bool]


_SHAPE: Final = TypeAdapter(_FormatFile)

log = logging.getLogger(__name__)


class DataFormatError(Exception):
    """This release must not work on the data directory; the message says why and what to do."""


def begin_restore(path: Path) -> None:
    """Write the file of a directory that is about to be filled: no service starts on it. Raises FileExistsError,
    OSError."""
    if not files.put_new(path, _content({"format": FORMAT, "restoring": True}), mode=0o644):
        raise FileExistsError(f"{path.name} is there already")


def end_restore(path: Path, format: int) -> None:
    """The directory is complete, and of this format. Raises DataFormatError if that is newer than this release,
    OSError."""
    _refuse_newer(format)
    files.put(path, _content({"format": format}), mode=0o644)


def check(path: Path) -> None:
    """Check the file, or write it where it is missing: in a new directory, and in one from before there was the file,
    which has the first format. A damaged file is set aside and written anew, because the number protects what it
    stands beside and must not take it away: each file is checked when it is read. A disk that cannot be written is no
    error.

    Raises DataFormatError if the format is newer than this release, or if a restore of the directory was interrupted.
    """
    try:
        found = read_json(path, _SHAPE)
    except FileNotFoundError:
        _write(path)
        return
    except DamagedFileError as error:
        log.warning("%s; it is set aside, and the data directory taken for one of format %d", error, FORMAT)
        with suppress(OSError):
            set_aside(path)
        _write(path)
        return
    _refuse_newer(found["format"])
    if found.get("restoring"):
        raise DataFormatError(
            "DATA_DIR is incomplete: it is being restored, or that was interrupted; empty it and restore again"
        )


def _refuse_newer(format: int) -> None:
    if format > FORMAT:
        raise DataFormatError(
            f"the data has format {format}, and this release reads formats up to {FORMAT}: a newer release has used it;"
            " start that one, or restore a backup made before into a new DATA_DIR"
        )


def _write(path: Path) -> None:
    with suppress(OSError):
        files.put_new(path, _content({"format": FORMAT}), mode=0o644)


def _content(value: _FormatFile) -> bytes:
    return json.dumps(value).encode() + b"\n"
