"""Reads the rows of a plain text: lines, paragraphs, or what stands between separators."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from charrnn.tasks.record import MAX_RECORD
from service.training.records.rows import Row
from service.training.records.splitting import Located, lines, paragraphs, split

_UNITS: Final[dict[str, Callable[[Iterable[str], int], Iterator[Located]]]] = {"line": lines, "paragraph": paragraphs}


def plain_rows(pieces: Iterable[str], unit: str, separator: str) -> Iterator[Row]:
    """A row for each part that is not empty. The line end at the end of a file belongs to no record."""
    divide = _UNITS.get(unit)
    parts = divide(pieces, MAX_RECORD) if divide else _separated(pieces, separator)
    for line, text in parts:
        if text:
            yield Row(line, text)


def _separated(pieces: Iterable[str], separator: str) -> Iterator[Located]:
    held: Located | None = None
    for part in split(pieces, separator, MAX_RECORD):
        if held is not None:
            yield held
        held = part
    if held is not None:
        line, text = held
        without = separator.removesuffix("\n")  # as it stands at the end of a file without a last line end
        yield line, text.removesuffix(without) if without != separator else text.removesuffix("\n")
