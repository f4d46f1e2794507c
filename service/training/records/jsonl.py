"""Reads the rows of a JSONL file: one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, Final

import orjson

from service.training.records.rows import MAX_ROW, Fault, Names, Row, too_long
from service.training.records.splitting import lines

KINDS: Final = {str: "a text", list: "a list", bool: "a boolean", int: "a number", float: "a number"}


def jsonl_rows(pieces: Iterable[str], names: Names) -> Iterator[Row | Fault]:
    """A row, or what is wrong with it, for each line that is not blank."""
    for line, text in lines(pieces, MAX_ROW):
        if text and not text.isspace():
            found = _parsed(line, text)
            yield found if isinstance(found, Fault) else _row(line, text, found, names)


def jsonl_objects(pieces: Iterable[str]) -> Iterator[tuple[int, dict[str, Any] | Fault]]:
    """The object in each line that is not blank, or what is wrong with it."""
    return ((line, _parsed(line, text)) for line, text in lines(pieces, MAX_ROW) if text and not text.isspace())


def _parsed(line: int, text: str) -> dict[str, Any] | Fault:
    """The object in a line, or what is wrong with it."""
    if len(text) > MAX_ROW:
        return too_long(line)
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if line == 1 and text.strip() == "[":
            return Fault(line, "a list in brackets is not JSONL: write each of its objects alone on a line")
        return Fault(line, f"not JSON: {error.msg} at character {error.pos + 1}: each line must be one JSON object")
    if not isinstance(value, dict):
        kind = KINDS.get(type(value), "null")
        return Fault(line, f'it must be a JSON object, such as {{"text": "…"}}, not {kind}')
    return value


def _row(line: int, text: str, found: dict[str, Any], names: Names) -> Row | Fault:
    try:
        values = [None if name is None else found[name] for name in names]
    except KeyError:
        return Fault(line, names.missing(found))
    if any(type(value) is float for value in values):  # its text as it was written, not as a float is shown
        with suppress(RecursionError):
            found = json.loads(text, parse_float=str, parse_int=str)
            values = [None if name is None else found[name] for name in names]
    return Row(line, *values)
