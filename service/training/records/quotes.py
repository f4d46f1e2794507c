"""Feeds lines to Python's CSV reader and remembers those of the row being read: a broken quote is found where it
opened, and costs one row."""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator
from typing import Final

from service.training.records.rows import Fault
from service.training.records.splitting import Located

TWICE: Final = "close it, and write a quote within a quoted field twice"

_QUOTED: Final = re.compile(r'"(?:[^"]++|"")*+("?)')


class Feed:
    """The lines, with their ends; `first` is the first of them, `is_at_end` whether all were taken."""

    def __init__(self, source: Iterator[Located]) -> None:
        self._source = source
        self._ahead = deque(first for first in [next(source, None)] if first is not None)
        self._row: list[Located] = []
        self.first = self._ahead[0][1] if self._ahead else ""
        self.is_at_end = False

    def __iter__(self) -> Iterator[str]:
        while (located := self._ahead.popleft() if self._ahead else next(self._source, None)) is not None:
            self._row.append(located)
            yield located[1] + "\n"
        self.is_at_end = True

    def taken(self) -> int:
        """The line where the row that was just read begins; the next line begins the next row."""
        line = self._row[0][0]
        self._row.clear()
        return line

    def given_back(self, delimiter: str, error: str) -> Fault:
        """What is wrong with the row, with the reader's error; all its lines but the first are to be read again."""
        opened, closed = _broken_quote("".join(text + "\n" for _, text in self._row), delimiter)
        begin = self._row[0][0]
        self._ahead.extendleft(reversed(self._row[1:]))
        self._row.clear()
        self.is_at_end = False
        return Fault(begin, _in_words(begin + opened, closed, error))


def _broken_quote(row: str, delimiter: str) -> tuple[int, bool]:
    """In which line of the row, from 0, the quoted field begins that is not closed, or goes on after it is closed, and
    whether it is closed; or else the last one."""
    position, opened, closed = 0, 0, True
    while position >= 0 and closed:
        if row.startswith('"', position):
            found = _QUOTED.match(row, position)
            assert found is not None
            opened, closed = position, bool(found[1])
            position = found.end()
            if row[position : position + 1] not in (delimiter, "\n", "\r", ""):
                break
        position = row.find(delimiter, position)
        position += position >= 0
    return row.count("\n", 0, opened), closed


def _in_words(opened: int, closed: bool, error: str) -> str:
    if "limit" in error:
        many = f"a field has more than {csv.field_size_limit():,} characters"
        return (
            f"{many}: shorten it" if closed else f"{many}, or the quote opened in line {opened} is not closed: {TWICE}"
        )
    if "new-line" in error:
        return "a carriage return stands outside quotes: upload with newlines = lf, or quote the field"
    if closed:
        return f"the quoted field that opens in line {opened} goes on after its closing quote: {TWICE}"
    return f"the quote opened in line {opened} is not closed: {TWICE}"
