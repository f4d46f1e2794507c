"""Sidecars: files beside a version, of JSON or of bytes, that are not part of it, and can be missing, added later or
rebuilt; knows nothing of their content."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from durable.entries import drop
from durable.reading import DamagedFileError, json_fault, read_json

Sidecar = dict[str, Any]
"""A JSON object."""

_SHAPE: Final = TypeAdapter(Sidecar)
_NAME: Final = re.compile(r"([1-9][0-9]*)\.[a-z]+\.(json|bin)")


def json_path(folder: Path, number: int, kind: str) -> Path:
    """The path of the version's sidecar of JSON of this kind, which is a word in lower-case letters."""
    return folder / f"{number}.{kind}.json"


def encoded(value: Sidecar) -> bytes:
    """The content of a sidecar of JSON."""
    return json.dumps(value).encode()


def bytes_path(folder: Path, number: int, kind: str) -> Path:
    """The path of the version's sidecar of bytes of this kind, whose reader knows how to check it."""
    return folder / f"{number}.{kind}.bin"


def read(folder: Path, number: int, kind: str) -> Sidecar | None:
    """The version's sidecar of this kind; None if it is missing or cannot be read."""
    return load(json_path(folder, number, kind))


def load(path: Path) -> Sidecar | None:
    """The content of a sidecar's file; None as for `read`."""
    try:
        return read_json(path, _SHAPE)
    except (FileNotFoundError, DamagedFileError):
        return None


def fault(path: Path) -> str:
    """What is wrong with a sidecar's file; empty when nothing is, or when it is missing."""
    return json_fault(path, _SHAPE)


def beside(folder: Path, names: Iterable[str]) -> dict[int, list[Path]]:
    """The sidecars among the names in a model's folder, by version, in the order of their kinds."""
    found: dict[int, list[Path]] = {}
    for name in sorted(names):
        if match := _NAME.fullmatch(name):
            found.setdefault(int(match[1]), []).append(folder / name)
    return found


def tidy(folder: Path, numbers: Collection[int]) -> None:
    """Delete the sidecars of all other versions. The caller holds the model's lock."""
    for path in folder.glob("*.*.*"):
        if (match := _NAME.fullmatch(path.name)) and int(match[1]) not in numbers:
            drop(path)
