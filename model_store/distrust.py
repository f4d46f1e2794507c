"""Loads checkpoint files from untrusted sources: what they claim is checked before it costs anything; knows no
store."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from charrnn import checkpoint as checkpoints
from charrnn.checkpoint import Checkpoint, CheckpointError

MAX_HEADER_BYTES: Final = 4 << 20
"""The header is JSON, which takes up to fifty times its size in memory once parsed; the weights are bounded by the
file's size."""
MAX_DEPTH: Final = 16
OBJECTS: Final = ("corpus", "characters", "training")
"""The parts of a training record that are read when versions are compared."""


def load_foreign(path: Path) -> Checkpoint:
    """Read an untrusted file. Raises CheckpointError if it could not be served or listed."""
    _check_header(path)
    try:
        checkpoint = checkpoints.load(path)
    except CheckpointError:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise CheckpointError(f"not a checkpoint: {type(error).__name__} while it was read") from error
    _check_plain(checkpoint.vocabulary.characters, "vocabulary")
    _check_record(checkpoint.record.json)
    return checkpoint


def _check_header(path: Path) -> None:
    """A safetensors file begins with the size of its header, 8 bytes, little-endian."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
    if not 2 <= size <= min(MAX_HEADER_BYTES, path.stat().st_size - 8):
        raise CheckpointError(
            f"not a checkpoint: a header of {size} bytes (at most {MAX_HEADER_BYTES}, and the file's)"
        )


def _check_record(record: Mapping[str, Any]) -> None:
    _check_plain(record, "record")
    for name in OBJECTS:
        if not isinstance(record.get(name, {}), Mapping):
            raise CheckpointError(f"the record's {name} must be an object")


def _check_plain(value: Any, place: str, depth: int = 0) -> None:
    """Accept only JSON that every parser can read: no surrogates, no integers beyond 64 bits, not too deep."""
    if depth > MAX_DEPTH:
        raise CheckpointError(f"{place} is deeper than {MAX_DEPTH} levels")
    if isinstance(value, str):
        if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
            raise CheckpointError(f"{place} has surrogates, which are no characters")
    elif isinstance(value, int):
        if not -(1 << 63) <= value < 1 << 63:
            raise CheckpointError(f"{place} has an integer of more than 64 bits")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise CheckpointError(f"{place} has a number that is not finite")
    elif isinstance(value, Mapping):
        for name, item in value.items():
            _check_plain(name, place, depth + 1)
            _check_plain(item, place, depth + 1)
    elif isinstance(value, Sequence):
        for item in value:
            _check_plain(item, place, depth + 1)
