"""A record: a text that begins and ends, with what is to be learned of it; knows no ids and no files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

TaskName = Literal["generate", "classify", "tag", "transduce"]
TASKS: Final[tuple[TaskName, ...]] = get_args(TaskName)

Unit = Literal["text", "line", "paragraph", "separator"]
"""What the records of a corpus are; `text`: there are none, the corpus is one endless text."""

UNITS: Final[tuple[Unit, ...]] = get_args(Unit)

SEPARATORS: Final[dict[Unit, str]] = {"line": "\n", "paragraph": "\n\n"}
"""What stands between two records in a plain text; of the unit `separator` it is given."""

MAX_RECORD: Final = 100_000
"""The maximum length of a record, in characters."""
MAX_SEPARATOR: Final = 100
"""The maximum length of a separator, in characters."""
MAX_DELAY: Final = 64
"""The maximum delay of tags, in tokens."""
MAX_LABEL: Final = 200
"""The maximum length of a label, in characters."""
MAX_LABELS: Final = 10_000
"""The maximum number of different labels of a model."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record: its `text`, and depending on the task its `label`, its `tags` (one a token), or its `target`, the
    record that it is to be turned into."""

    text: str
    label: str | None = None
    tags: tuple[str, ...] | None = None
    target: str | None = None
