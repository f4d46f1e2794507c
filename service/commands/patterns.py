"""What the commands that generate say of a pattern: where it is wrong, and which of its characters were left out."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final
from unicodedata import east_asian_width

from service.client import ServiceError

WIDTH: Final = 72
"""Columns that are shown of a line of a pattern."""
INDENT: Final = "  "


@contextmanager
def pointing(asked: Mapping[str, Any]) -> Iterator[None]:
    """A context in which an error about a pattern gets a note that shows the place in it."""
    try:
        yield
    except ServiceError as error:
        source, position = asked.get(error.param or ""), error.more.get("position")
        if isinstance(source, str) and isinstance(position, int):
            error.add_note(pointed(source, position))
        raise


def pointed(source: str, position: int) -> str:
    """The line of the pattern that has the character, or the part of it around that, and a caret below the place."""
    start = source.rfind("\n", 0, position) + 1
    line = source[start:].partition("\n")[0]
    first = max(0, position - start - WIDTH // 2)
    shown = "".join(character if character.isprintable() else "\ufffd" for character in line[first : first + WIDTH])
    before = sum(2 if east_asian_width(each) in "WF" else 1 for each in shown[: position - start - first])
    return f"{INDENT}{shown}\n{INDENT}{' ' * before}^"


def warn_of_skipped(characters: Sequence[str]) -> None:
    """Say on standard error which characters of the pattern the model does not know, if there are any."""
    if characters:
        listed = " ".join(json.dumps(each, ensure_ascii=False) for each in characters)
        sys.stderr.write(f"service: left out of the pattern, since the model does not know them: {listed}\n")
