"""Decides what a request leaves open of a corpus's format, from the beginning of its file."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import Final

from charrnn.tasks.arrangement import TASK_OF
from charrnn.tasks.record import TaskName
from service.training.errors import RecordsError
from service.training.records.format import Fields, FileFormat, RecordFormat
from service.training.records.jsonl import jsonl_objects
from service.training.records.rows import Fault, Names
from service.training.records.splitting import lines
from service.training.records.tables import Cells, csv_cells, tsv_cells

START: Final = 1 << 18
"""How many bytes of a file are looked at."""
LOOKED_AT: Final = 50
"""How many rows are looked at."""
AGREEING: Final = 0.5
"""The share of rows that must have as many values as the header, for a file to be taken for a table; the last may be
cut."""
MAX_COLUMN_NAME: Final = 60
"""In characters: what is longer is no name of a column, if it is to be recognized as one."""


def resolved(format: RecordFormat, task: TaskName, start: str) -> RecordFormat:
    """The format with everything decided: the file's format, and the names of the fields that the task reads. `start`
    is the beginning of the text, as long as START or all of it; to decide again changes nothing.

    Raises ValueError if the format does not suit the task, RecordsError if the file does not.
    """
    format.check_task(task)
    kind = format.format or _format_of(format, task, start)
    found = replace(format, format=kind)
    return replace(found, fields=_fields(found, task, columns(kind, start))) if found.has_fields else found


def names_of(format: RecordFormat) -> Names:
    """The names of the fields that are read, of a format that is resolved."""
    return Names(**format.fields.as_dict()) if format.fields is not None else Names()


def detected(start: str) -> FileFormat:
    """The format of a file that begins with this text."""
    if _is_jsonl(start):
        return "jsonl"
    if _is_table(list(islice(tsv_cells([start]), LOOKED_AT))):
        return "tsv"
    return "csv" if _is_table(list(islice(csv_cells([start], whole=False), LOOKED_AT))) else "plain"


def recognized(format: RecordFormat, task: TaskName, start: str) -> FileFormat:
    """The format of a file whose fields are read: a table with the fields that the task needs, or what it looks
    like."""
    wanted = set(_wanted(format, task).values())
    kinds: tuple[FileFormat, ...] = ("tsv", "csv") if "\t" in start.split("\n", 1)[0] else ("csv",)
    return next((kind for kind in kinds if wanted <= set(columns(kind, start))), detected(start))


def columns(format: FileFormat, start: str) -> tuple[str, ...]:
    """The names of the fields in a file of this format: those of its header, or of its first object."""
    if format == "jsonl":
        first = next((found for _, found in jsonl_objects([start]) if isinstance(found, dict)), {})
        return tuple(first)
    cells = csv_cells([start], whole=False) if format == "csv" else tsv_cells([start]) if format == "tsv" else iter(())
    header = next(cells, None)
    return () if header is None or isinstance(header, Fault) else tuple(name.strip() for name in header[1])


def _format_of(format: RecordFormat, task: TaskName, start: str) -> FileFormat:
    if not TASK_OF[task].needs and format.fields is None:
        return "plain"
    if (found := recognized(format, task, start)) != "plain":
        return found
    message = (
        f"the file is neither JSONL nor a table with a header, which task {task} needs: its first line is"
        f" {start.split(chr(10), 1)[0][:60]!r}; name its format"
    )
    raise RecordsError(message, 1, "format")


def _fields(format: RecordFormat, task: TaskName, there: tuple[str, ...]) -> Fields:
    wanted = _wanted(format, task)
    optional = {name: name for name in TASK_OF[task].allows if format.fields is None and name in there}
    return Fields(**(optional | wanted))


def _wanted(format: RecordFormat, task: TaskName) -> dict[str, str]:
    """The names of the fields that must be there: those that the task needs, and what it allows if it is named."""
    given = {} if format.fields is None else format.fields.as_dict()
    asked = (name for name in TASK_OF[task].allows if name in given)
    return {name: given.get(name, name) for name in ("text", *TASK_OF[task].needs, *asked)}


def _is_jsonl(start: str) -> bool:
    """Whether the first line is an object; it may be longer than the start."""
    first = next((text for _, text in lines([start], START) if text and not text.isspace()), "")
    if not first.startswith("{"):
        return False
    return isinstance(next(found for _, found in jsonl_objects([first])), dict) or len(first) >= len(start.strip())


def _is_table(rows: list[Cells | Fault]) -> bool:
    """Whether most rows have as many values as a header of at least two names."""
    cells = [() if isinstance(row, Fault) else row[1] for row in rows]
    header = [name.strip() for name in cells[0]] if len(cells) > 1 else []
    if len(header) < 2 or len(set(header)) < len(header):
        return False
    if not all(name and len(name) <= MAX_COLUMN_NAME for name in header):
        return False
    return sum(len(row) == len(header) for row in cells[1:]) >= AGREEING * (len(cells) - 1)
