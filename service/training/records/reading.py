"""Reads the records of a stored corpus in one pass, in bounded memory, and counts what is passed over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from charrnn.tasks.record import Record, TaskName
from charrnn.wording import count
from service.training.corpora.decoding import CHUNK, decoded
from service.training.errors import RecordsError
from service.training.records.checking import Checker
from service.training.records.format import RecordFormat
from service.training.records.jsonl import jsonl_rows
from service.training.records.plain import plain_rows
from service.training.records.resolution import START, names_of, resolved
from service.training.records.rows import Fault, Row
from service.training.records.tables import csv_rows, tsv_rows

SHOWN_FAULTS: Final = 3
BATCH: Final = 1024
"""How many records are worked on together."""
BATCH_CHARACTERS: Final = 1 << 20
"""Fewer are if their texts and targets have this many characters: some records are 100,000 times as long as others."""
TO_SKIP: Final = "correct the row, or let a share of rows be passed over with skip_bad_rows"


class RecordReader:
    """The records of a text that arrives in pieces; `format` is one that `resolved` has decided. `tokens` counts the
    tokens of a text.

    Iterating raises RecordsError for the first faulty row, or, if some may be passed over, at the end when they were
    too many; and for a text without records. Meanwhile `rows` counts the rows, `skipped` those passed over, and
    `faults` has the first of these.
    """

    def __init__(self, pieces: Iterable[str], format: RecordFormat, tokens: Callable[[str], int] = len) -> None:
        self.format = format
        self.rows = 0
        self.skipped = 0
        self.faults: list[Fault] = []
        self._found = rows(pieces, format)
        forbidden = format.forbidden if format.has_fields else ""  # a plain text is divided there
        self._checker = Checker(names_of(format), forbidden, tokens)

    def __iter__(self) -> Iterator[Record]:
        return (record for _, record in self.located())

    def located(self) -> Iterator[tuple[int, Record]]:
        """Each record with the line where it begins."""
        check = self._checker.record
        for row in self._found:
            self.rows += 1
            record = row if isinstance(row, Fault) else check(row)
            if isinstance(record, Fault):
                self._skip(record)
            else:
                yield row.line, record
        self._check_share()

    def _skip(self, fault: Fault) -> None:
        if not self.format.skip_bad_rows:
            raise RecordsError(f"{fault} ({TO_SKIP})", fault.line)
        self.skipped += 1
        if self.skipped <= SHOWN_FAULTS:
            self.faults.append(fault)

    def _check_share(self) -> None:
        allowed = self.format.skip_bad_rows
        if self.skipped > allowed * self.rows:
            raise RecordsError(
                f"{self.skipped:,} of {count(self.rows, 'row', ',')} are faulty, more than skip_bad_rows = {allowed:g}"
                f" lets pass: {'; '.join(map(str, self.faults))}",
                self.faults[0].line,
                "skip_bad_rows",
            )
        if self.skipped == self.rows:
            faults = f": {'; '.join(map(str, self.faults))}" if self.faults else ""
            raise RecordsError(f"there are no records in the corpus{faults}", None)


def rows(pieces: Iterable[str], format: RecordFormat, whole: bool = True) -> Iterator[Row | Fault]:
    """The rows of a text, in a format that is resolved. If the text is not `whole`, a row that its end cuts within a
    quote is left out."""
    if format.format == "jsonl":
        return jsonl_rows(pieces, names_of(format))
    if format.format == "csv":
        return csv_rows(pieces, names_of(format), whole)
    if format.format == "tsv":
        return tsv_rows(pieces, names_of(format))
    return plain_rows(pieces, format.record_unit, format.record_separator)


def records(path: Path, format: RecordFormat, task: TaskName, tokens: Callable[[str], int] = len) -> RecordReader:
    """The records of a stored text, UTF-8; what the format leaves open is decided from its beginning. Raises
    RecordsError."""
    with path.open("rb") as file:
        start = file.read(START).decode(errors="ignore")
    return RecordReader(text_of(path), resolved(format, task, start), tokens)


def batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    """The records, in lists of about as much work."""
    batch, characters = list[Record](), 0
    for record in records:
        batch.append(record)
        characters += len(record.text) + len(record.target or "")
        if len(batch) == BATCH or characters >= BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def text_of(path: Path) -> Iterator[str]:
    """A stored text, in pieces."""
    with path.open("rb") as text:
        yield from decoded(iter(lambda: text.read(CHUNK), b""), "utf-8")
