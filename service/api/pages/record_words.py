"""The words of the pages for tasks, units and formats, in the order in which the library has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from charrnn.tasks.arrangement import TASK_OF
from charrnn.tasks.record import TASKS, UNITS, TaskName, Unit
from service.training.records.format import FILE_FORMATS, FileFormat

TASK_WORDS: Final[Mapping[TaskName, str]] = {
    "generate": "write new texts",
    "classify": "give each text a label",
    "tag": "tag each character or word",
    "transduce": "turn one text into another",
}
UNIT_WORDS: Final[Mapping[Unit, str]] = {
    "text": "none: one endless text",
    "line": "each line",
    "paragraph": "each paragraph, blank lines between",
    "separator": "what is between separators",
}
FORMAT_WORDS: Final[Mapping[FileFormat, str]] = {
    "plain": "plain text",
    "jsonl": "JSON lines",
    "csv": "CSV (commas)",
    "tsv": "TSV (tabs)",
}


@dataclass(frozen=True, slots=True)
class Option:
    """An option of a list; `fields` are those of a file that a task reads."""

    value: str
    words: str
    fields: tuple[str, ...] = ()


def arrangements() -> Mapping[str, Sequence[Option]]:
    """The options for how to learn from a file, by the name of the field of a job."""
    return {
        "task": [
            Option(task, TASK_WORDS[task], ("text", *TASK_OF[task].needs, *TASK_OF[task].allows)) for task in TASKS
        ],
        "unit": [Option(unit, UNIT_WORDS[unit]) for unit in UNITS],
        "format": [Option(format, FORMAT_WORDS[format]) for format in FILE_FORMATS],
    }
