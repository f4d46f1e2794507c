"""Parses how a file is divided in records from the fields of an upload, which are all texts; their names, types and
bounds are those of `RecordFormat`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from charrnn.parameters import Declared, choices
from charrnn.tasks.record import TASKS, TaskName
from service.api.http.errors import ApiError, shown
from service.api.http.parsing import one_of
from service.training.records.format import Fields, RecordFormat


def record_format(given: Mapping[str, str]) -> tuple[RecordFormat, TaskName]:
    """The format and the task among the fields of an upload. Raises ApiError 422, naming the field."""
    task = one_of(TASKS, given.get("task", "generate"), "task")
    values = {name: _value(declared, given[name]) for name, declared in choices(RecordFormat).items() if name in given}
    try:
        format = RecordFormat.from_dict(values)
        format.check_task(task)
    except ValueError as error:
        raise ApiError(422, "invalid_value", str(error), str(error).split(" ", 1)[0]) from error
    return format, task


def _value(declared: Declared, text: str) -> Any:
    """A field's value, of its declared type if the text is of it."""
    if declared.type is Fields:
        return _names(text)
    if declared.type is float:
        try:
            return float(text)
        except ValueError:
            return text
    return text


def _names(text: str) -> dict[str, Any]:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        example = '{"text": "name", "label": "country"}'
        raise ApiError(
            422, "invalid_value", f"fields must be a JSON object like {example}, not {shown(text)}", "fields"
        )
    return value
