"""What is kept beside a version and is no part of it: found out later, it may be missing or made anew; knows nothing of
what is in it."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from durable import files
from durable.names import drop
from durable.reading import DamagedFileError, json_fault, read_json

Sidecar = dict[str, Any]
"""A JSON object."""

_SHAPE: Final = TypeAdapter(Sidecar)
_NAME: Final = re.compile(r"([1-9][0-9]*)\.[a-z]+\.json")


def write(folder: Path, number: int, kind: str, value: Sidecar) -> None:
    """Keep the value under the version's number, in one step, instead of an earlier one; `kind` is a word in lower-case
    letters. The caller holds the model's lock."""
    files.put(folder / f"{number}.{kind}.json", json.dumps(value).encode())


def read(folder: Path, number: int, kind: str) -> Sidecar | None:
    """What was kept; None where there is nothing, or nothing that can be read."""
    return load(folder / f"{number}.{kind}.json")


def load(path: Path) -> Sidecar | None:
    """What is in a sidecar's file, wherever it lies; None as for `read`."""
    try:
        return read_json(path, _SHAPE)
    except (FileNotFoundError, DamagedFileError):
        return None


def fault(path: Path) -> str:
    """What is wrong with a sidecar's file; empty when nothing is, or when there is none."""
    return json_fault(path, _SHAPE)


def beside(folder: Path, number: int) -> list[Path]:
    """The sidecars of a version, in the order of their kinds."""
    found = folder.glob(f"{number}.*.json")
    return sorted(path for path in found if _NAME.fullmatch(path.name))


def tidy(folder: Path, numbers: Collection[int]) -> None:
    """Take away what lies beside versions other than these. The caller holds the model's lock."""
    for path in folder.glob("*.json"):
        if (match := _NAME.fullmatch(path.name)) and int(match[1]) not in numbers:
            drop(path)
