"""Previews the records of a file from its first bytes, before anything is uploaded whole; what is wrong is shown, not
raised."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from charrnn.tasks.arrangement import TASK_OF
from charrnn.tasks.record import Record, TaskName
from durable.drafts import draft_folder
from service.training.corpora.conversion import Conversion, convert
from service.training.corpora.corpus import TEXT
from service.training.errors import RecordsError
from service.training.records.checking import Checker
from service.training.records.format import Fields, FileFormat, RecordFormat
from service.training.records.guessing import guessed
from service.training.records.reading import rows
from service.training.records.resolution import columns, detected, names_of, recognized, resolved
from service.training.records.rows import Fault
from service.training.records.survey import check_labels

PREVIEW_BYTES: Final = 1 << 18
"""How many bytes of a file are looked at: a file of exactly as many goes on after them."""
SHOWN_RECORDS: Final = 20
SHOWN_FAULTS: Final = 20
SHOWN_LABELS: Final = 100
SHOWN_CHARACTERS: Final = 300


@dataclass(frozen=True, slots=True)
class ShownRecord:
    """A record, up to SHOWN_CHARACTERS of each of its parts, and the line where it begins."""

    line: int
    text: str
    label: str | None
    tags: tuple[str, ...] | None
    target: str | None


@dataclass(frozen=True, slots=True)
class Preview:
    """`format` as it was read, with guesses for what was left open; `columns` are the names of the file's fields;
    `count` the records that there were, of which `records` are the first; `labels` their labels or tags with their
    counts, the most frequent first, and `label_count` how many different ones there were; `fault_count` the faulty
    rows, `faults` the first. `whole`: the file ends here."""

    encoding: str
    format: RecordFormat
    columns: tuple[str, ...]
    records: tuple[ShownRecord, ...]
    count: int
    labels: Mapping[str, int]
    label_count: int
    faults: tuple[str, ...]
    fault_count: int
    whole: bool


def preview(data: bytes, folder: Path, format: RecordFormat, task: TaskName, conversion: Conversion) -> Preview:
    """The preview of a file that begins with `data`, up to PREVIEW_BYTES; `folder` is for files that exist meanwhile.

    Raises ValueError for a format that does not suit the task, and what `convert` raises.
    """
    format.check_task(task)
    whole = len(data) < PREVIEW_BYTES
    encoding, text = _decoded(data if whole else _without_cut_end(data), folder, conversion)
    kind = _kind(format, task, text)
    there = columns(kind, text)
    format, found = replace(format, format=kind), _Found()
    try:
        if kind != "plain":
            format = replace(format, fields=guessed(there, task, format.fields or Fields()))
        format = resolved(format, task, text)
        found.read(text, format, whole)
        if whole:
            found.check_labels(task)
    except (RecordsError, ValueError) as error:
        found.faults.append(str(error))
    return found.preview(encoding, format, there, whole)


class _Found:
    """What was found in the rows so far."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self._records: list[ShownRecord] = []
        self._count = 0
        self._labels: Counter[str] = Counter()

    def read(self, text: str, format: RecordFormat, whole: bool) -> None:
        """Read all rows; raises RecordsError where no further ones can be read."""
        if format.record_unit == "text":
            return
        checker = Checker(names_of(format), format.forbidden if format.has_fields else "")
        for row in rows([text], format, whole):
            record = row if isinstance(row, Fault) else checker.record(row)
            if isinstance(record, Fault):
                self.faults.append(str(record))
            else:
                self._add(row.line, record)

    def check_labels(self, task: TaskName) -> None:
        """Raises RecordsError if the task cannot be learned with the labels of all records."""
        if self._count:
            check_labels(self._labels, task)

    def _add(self, line: int, record: Record) -> None:
        self._count += 1
        self._labels.update([record.label] if record.label is not None else record.tags or ())
        if len(self._records) < SHOWN_RECORDS:
            most = SHOWN_CHARACTERS
            tags = None if record.tags is None else record.tags[:most]
            target = None if record.target is None else record.target[:most]
            self._records.append(ShownRecord(line, record.text[:most], record.label, tags, target))

    def preview(self, encoding: str, format: RecordFormat, there: tuple[str, ...], whole: bool) -> Preview:
        """All of it."""
        return Preview(
            encoding=encoding,
            format=format,
            columns=there,
            records=tuple(self._records),
            count=self._count,
            labels=dict(sorted(self._labels.items(), key=lambda each: (-each[1], each[0]))[:SHOWN_LABELS]),
            label_count=len(self._labels),
            faults=tuple(self.faults[:SHOWN_FAULTS]),
            fault_count=len(self.faults),
            whole=whole,
        )


def _kind(format: RecordFormat, task: TaskName, text: str) -> FileFormat:
    """The format, as a training would decide it; and if nothing at all was said, the one that it looks like."""
    if format.format is not None:
        return format.format
    if not TASK_OF[task].needs and format.fields is None:
        return detected(text) if format.unit is None and format.separator is None else "plain"
    return recognized(format, task, text)


def _decoded(data: bytes, folder: Path, conversion: Conversion) -> tuple[str, str]:
    """The encoding and the text, as an upload is decoded."""
    with draft_folder(folder) as draft:
        path = draft / TEXT
        with path.open("x+b") as file:
            file.write(data)
            converted = convert(file, path, conversion)
        return converted.encoding, path.read_bytes().decode()


def _without_cut_end(data: bytes) -> bytes:
    """The lines that are whole; of a text of two or four bytes a character, or of one long line, all whole
    characters."""
    end = data.rfind(b"\n") + 1
    if end and b"\0" not in data:
        return data[:end]
    incomplete = next((n for n in range(1, 5) if data[-n] >= 0xC0), 0)
    return data[:-incomplete] if incomplete and b"\0" not in data else data
