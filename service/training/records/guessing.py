"""Guesses which fields of a file a task is to read, from their names, for a preview that a person then confirms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from charrnn.tasks.arrangement import TASK_OF
from charrnn.tasks.record import TaskName
from service.training.records.format import Fields

USUAL: Final[Mapping[str, tuple[str, ...]]] = {
    "text": ("text", "sentence", "name", "content", "input", "source", "document", "message", "title", "line"),
    "label": ("label", "class", "category", "target", "country", "language", "lang", "locale", "sentiment", "type"),
    "tags": ("tags", "labels", "tag"),
    "target": ("target", "output", "translation", "label", "result", "iso"),
}
"""What fields are usually called, the likeliest names first."""


def guessed(columns: Sequence[str], task: TaskName, given: Fields) -> Fields:
    """The fields to read of a file with these columns: the given ones, then those with a usual name; the text may also
    be the first other column, and what else the task needs the last one."""
    found = given.as_dict()
    for use in ("text", *TASK_OF[task].needs, *TASK_OF[task].allows):
        free = [column for column in columns if column not in found.values()]
        if use not in found and (name := _usual(free, USUAL[use])):
            found[use] = name
    for use in ("text", *TASK_OF[task].needs):
        free = [column for column in columns if column not in found.values()]
        if use not in found and free and use != "tags":
            found[use] = free[0] if use == "text" else free[-1]
    return Fields(**found)


def _usual(columns: Sequence[str], names: Sequence[str]) -> str | None:
    by_name = {column.lower(): column for column in reversed(columns)}
    return next((by_name[name] for name in names if name in by_name), None)
