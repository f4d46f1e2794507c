"""Makes records of rows, or says what is wrong with them, for one task."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import orjson

from charrnn.tasks.record import MAX_LABEL, MAX_LABELS, MAX_RECORD, Record
from charrnn.wording import count
from service.training.errors import RecordsError
from service.training.records.jsonl import KINDS
from service.training.records.rows import Fault, Names, Row


class FaultyValueError(ValueError):
    """A value of a row cannot be used; the message says why, and what to do."""


class Checker:
    """Makes the records of a corpus with these fields. No text or target may contain `forbidden`, if it is not empty;
    `tokens` counts a text's tokens, of which each needs a tag.

    Raises RecordsError as soon as there are more than MAX_LABELS different labels or tags.
    """

    def __init__(self, names: Names, forbidden: str = "", tokens: Callable[[str], int] = len) -> None:
        self._names = names
        self._forbidden = forbidden
        self._tokens = tokens
        self._labels: set[str] = set()

    def record(self, row: Row) -> Record | Fault:
        """The record of a row, or what is wrong with it."""
        try:
            text = self._text(row.text, "text")
            label = None if self._names.label is None else self._label(row)
            tags = None if self._names.tags is None else self._tags(row, text)
            target = None if self._names.target is None else self._text(row.target, "target")
        except FaultyValueError as error:
            return Fault(row.line, str(error))
        return Record(text, label, tags, target)

    def _text(self, value: Any, name: str) -> str:
        text = value if type(value) is str else _as_text(value, name)
        if not text:
            raise FaultyValueError(f"the {name} is empty: give it at least one character")
        if len(text) > MAX_RECORD:
            raise FaultyValueError(f"the {name} has more than {MAX_RECORD:,} characters: divide or shorten it")
        if "\0" in text:
            raise FaultyValueError(f"the {name} has a NUL character: remove it")
        if self._forbidden and self._forbidden in text:
            raise FaultyValueError(
                f"the {name} contains the separator {self._forbidden!r}, which ends a record: remove it there, or"
                " choose another separator"
            )
        return text

    def _label(self, row: Row) -> str:
        label = row.label if type(row.label) is str else _as_text(row.label, "label")
        if label not in self._labels:
            self._add(label, "label", row.line)
        return label

    def _tags(self, row: Row, text: str) -> tuple[str, ...]:
        tokens = self._tokens(text)
        tags = _listed(row.tags, tokens)
        if len(tags) != tokens:
            given, wanted = count(len(tags), "tag"), count(tokens, "token")
            raise FaultyValueError(f"it has {given} for {wanted}: each token needs one")
        if new := set(tags) - self._labels:
            for tag in sorted(new):
                self._add(tag, "tag", row.line)
        return tags

    def _add(self, label: str, name: str, line: int) -> None:
        if not label:
            raise FaultyValueError(f"the {name} is empty: give it at least one character")
        if len(label) > MAX_LABEL:
            raise FaultyValueError(f"the {name} has {len(label):,} characters, more than {MAX_LABEL}: shorten it")
        if len(self._labels) == MAX_LABELS:
            message = f"line {line}: there are more than {MAX_LABELS:,} different {name}s: is {name!r} the right field?"
            raise RecordsError(message, line, "fields")
        self._labels.add(label)


def _as_text(value: Any, name: str) -> str:
    """A number or a boolean as JSON has it. Raises FaultyValueError for anything else but a text."""
    if isinstance(value, str | bool | int | float):
        return value if isinstance(value, str) else json.dumps(value)
    kind = _kind(value)
    raise FaultyValueError(f"the {name} is {kind}: it must be a text, a number, true or false")


def _kind(value: Any) -> str:
    return "null" if value is None else "an object" if isinstance(value, dict) else KINDS[type(value)]


def _listed(value: Any, tokens: int) -> tuple[str, ...]:
    """The tags of a list, or of a text with a character for each; another text that is a JSON list is one, because
    tables have no other."""
    if isinstance(value, str):
        if len(value) == tokens or not isinstance(parsed := _parsed(value), list):
            return tuple(value)
        value = parsed
    if not isinstance(value, list):
        raise FaultyValueError(f"the tags are {_kind(value)}: they must be a list, or a text with a character a token")
    return tuple(tag if type(tag) is str else _as_text(tag, "tag") for tag in value)


def _parsed(value: str) -> Any:
    try:
        return orjson.loads(value) if value.startswith("[") else None
    except orjson.JSONDecodeError:
        return None
