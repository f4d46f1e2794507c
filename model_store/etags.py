"""The e-tags of the objects that the files in a model's folder were taken from, noted in a file beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from durable import files
from durable.reading import DamagedFileError, read_json

FILE: Final = ".etags.json"

_SHAPE: Final = TypeAdapter(dict[str, str])


def noted(folder: Path) -> dict[str, str]:
    """The e-tags by the files' names; empty where there are none, or none that can be read: all is compared again."""
    with suppress(FileNotFoundError, DamagedFileError):
        return read_json(folder / FILE, _SHAPE)
    return {}


def state(folder: Path) -> tuple[int, ...]:
    """What is different after a change of the notes."""
    try:
        stat = (folder / FILE).lstat()
    except OSError:
        return ()
    return stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino, stat.st_size


def note(folder: Path, changes: Mapping[str, str | None]) -> None:
    """Note e-tags, or, with None, forget them, once the files are as they say. The caller holds the model's lock."""
    before = noted(folder)
    after = {name: etag for name, etag in {**before, **changes}.items() if etag is not None}
    if after != before:
        files.put(folder / FILE, json.dumps(after).encode(), sync=False)
