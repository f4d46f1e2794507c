"""What a file has in a row before it is checked, and what may be wrong with it; knows no formats."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from charrnn.tasks.record import MAX_RECORD

MAX_ROW: Final = 40 * MAX_RECORD
"""The maximum length of a row in the file, in characters: a record with a tag for each character, all escaped."""


class Row(NamedTuple):
    """The values of a row's fields as the file has them, and the line where it begins; a tuple, because a corpus has
    millions."""

    line: int
    text: Any
    label: Any = None
    tags: Any = None
    target: Any = None


class Fault(NamedTuple):
    """What is wrong with the row that begins at this line, and what to do."""

    line: int
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}"


class Names(NamedTuple):
    """The names of the fields that are read; None: there is no such field."""

    text: str | None = None
    label: str | None = None
    tags: str | None = None
    target: str | None = None

    def missing(self, there: Iterable[str]) -> str:
        """What to say of the first field that is not there; empty if all are."""
        found = list(there)
        for use, name in self._asdict().items():
            if name is not None and name not in found:
                return f"there is no field {name!r} for the {use}; {_listed(found)}: name one in fields.{use}"
        return ""


def too_long(line: int) -> Fault:
    """The fault of a row that is longer than any record may be."""
    return Fault(line, f"the row has more than {MAX_ROW:,} characters: shorten it, or check what ends a row")


def _listed(found: list[str]) -> str:
    shown = ", ".join(name[:60] for name in found[:20])
    more = f" and {len(found) - 20} more" if len(found) > 20 else ""
    return f"the fields are {shown}{more}" if found else "it has no fields"
