"""The header of a checkpoint's file: a description of the network beside its weights, as JSON; knows no weights."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from safetensors import SafetensorError, safe_open

from charrnn.config import ModelConfig
from charrnn.record import TrainingRecord
from charrnn.tasks.arrangement import Arrangement
from charrnn.vocabulary import Vocabulary
from charrnn.words import described
from durable.reading import message_of
from durable.space import SCARCE

FORMAT: Final = 1
METADATA_KEY: Final = "charrnn"
"""All metadata is one JSON text under one key: safetensors writes several keys in no fixed order, and the same training
must give the same bytes."""

_MALFORMED: Final = (
    SafetensorError,
    OSError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    OverflowError,
    RecursionError,
)
"""What reading a file that is not a checkpoint may raise."""


class CheckpointError(ValueError):
    """A file is not a complete, undamaged checkpoint; the message says what is wrong with it."""


def description_of(config: ModelConfig, vocabulary: Vocabulary, record: TrainingRecord) -> dict[str, Any]:
    """What the header says of a network, but for the digest."""
    return {
        "format": FORMAT,
        "config": config.as_dict(),
        "vocabulary": vocabulary.description,
        "record": dict(record.json),
    }


def canonical(value: Any) -> str:
    """The one JSON text of a value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


@contextmanager
def opened(path: Path) -> Iterator[tuple[Any, dict[str, Any]]]:
    """The file of a checkpoint and the description in its header; errors within the block are raised as
    CheckpointError."""
    if not path.exists():
        raise FileNotFoundError(f"no checkpoint {path.name}")
    if not path.is_file():  # opening a pipe would never end
        raise CheckpointError("not a checkpoint: it is not a regular file")
    try:
        path.open("rb").close()  # safetensors takes any failure to open for a missing file
        with safe_open(path, framework="numpy") as file:
            yield file, _read_description(file.metadata())
    except CheckpointError:
        raise
    except _MALFORMED as error:
        if isinstance(error, OSError) and error.errno in SCARCE:
            raise  # it says nothing of the file
        raise CheckpointError(f"not a checkpoint: {message_of(error)}") from error


def record_of(description: Mapping[str, Any]) -> TrainingRecord:
    """The training record. Raises CheckpointError, ValueError, TypeError if its task, unit and labels do not fit."""
    record = description["record"]
    if not isinstance(record, Mapping):
        raise CheckpointError(f"the record must be an object, not {type(record).__name__}")
    found = TrainingRecord(record)
    Arrangement.of(found.json)  # no list of versions is to find out, nor a release that does not know the task
    return found


def vocabulary_of(description: Mapping[str, Any], record: TrainingRecord) -> Vocabulary:
    """The vocabulary. Raises ValueError, TypeError, KeyError for a description of none."""
    return record.arrangement.vocabulary(described(description["vocabulary"]))


def _read_description(metadata: Mapping[str, str] | None) -> dict[str, Any]:
    text = (metadata or {}).get(METADATA_KEY)
    if text is None:
        raise CheckpointError(f"not a checkpoint: no {METADATA_KEY!r} in the metadata")
    description = json.loads(text)
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise CheckpointError(f"not a checkpoint of format {FORMAT}")
    return description
