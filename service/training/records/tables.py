"""Reads the rows of tables whose first row names the fields: CSV as in RFC 4180, and TSV as registered with IANA, which
has neither quotes nor escapes."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from charrnn.wording import count
from service.training.errors import RecordsError
from service.training.records.quotes import Feed
from service.training.records.rows import MAX_ROW, Fault, Names, Row, too_long
from service.training.records.splitting import lines, split

DELIMITERS: Final = ",;\t"
"""A CSV's fields are separated by the first of these that its header has."""

Cells = tuple[int, list[str]]
"""The line where a row begins, and its values."""


def csv_rows(pieces: Iterable[str], names: Names, whole: bool = True) -> Iterator[Row | Fault]:
    """A row, or what is wrong with it, for each one after the header. If the text is not `whole`, a quote that is open
    at its end is no fault."""
    return _rows(csv_cells(pieces, whole), names)


def tsv_rows(pieces: Iterable[str], names: Names) -> Iterator[Row | Fault]:
    """A row, or what is wrong with it, for each one after the header."""
    return _rows(tsv_cells(pieces), names)


def tsv_cells(pieces: Iterable[str]) -> Iterator[Cells | Fault]:
    """The values of each line that is not empty."""
    for line, text in lines(pieces, MAX_ROW):
        if text:
            yield too_long(line) if len(text) > MAX_ROW else (line, text.split("\t"))


def csv_cells(pieces: Iterable[str], whole: bool = True) -> Iterator[Cells | Fault]:
    """The values of each row that is not empty. After a faulty quote, reading goes on with the line after the one where
    the row begins."""
    feed = Feed(split(pieces, "\n", MAX_ROW))
    delimiter = next((each for each in DELIMITERS if each in feed.first), ",")
    while True:
        try:
            for cells in csv.reader(feed, delimiter=delimiter, strict=True):
                line = feed.taken()
                if cells:
                    yield line, cells
            return
        except csv.Error as error:
            if feed.is_at_end and not whole:
                return
            yield feed.given_back(delimiter, str(error))


def _rows(found: Iterator[Cells | Fault], names: Names) -> Iterator[Row | Fault]:
    header = next(found, None)
    if header is None:
        return
    if isinstance(header, Fault):
        raise RecordsError(str(header), header.line)
    columns, pick = _picked([name.strip() for name in header[1]], names)
    for each in found:
        if isinstance(each, Fault):
            yield each
        elif len(each[1]) != len(columns):
            line, cells = each
            there = ", ".join(columns)[:200]
            yield Fault(line, f"it has {count(len(cells), 'field')}, and the header has {len(columns)}: {there}")
        else:
            yield pick(*each)


def _picked(columns: list[str], names: Names) -> tuple[list[str], Callable[[int, list[str]], Row]]:
    """The header's names, and what makes a row of a line's values. Raises RecordsError."""
    if fault := names.missing(columns):
        raise RecordsError(f"line 1: {fault}", 1, "fields")
    if twice := next((name for name in names if name is not None and columns.count(name) > 1), None):
        raise RecordsError(f"line 1: the header has the field {twice!r} {columns.count(twice)} times", 1, "fields")
    text, label, tags, target = (None if name is None else columns.index(name) for name in names)

    def pick(line: int, cells: list[str]) -> Row:
        return Row(
            line,
            "" if text is None else cells[text],
            None if label is None else cells[label],
            None if tags is None else cells[tags],
            None if target is None else cells[target],
        )

    return columns, pick
