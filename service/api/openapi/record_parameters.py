"""The parameters of an upload that say how its file is divided in records, as `record_format` parses them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from charrnn.parameters import Declared, choices
from charrnn.tasks.record import TASKS
from service.api.openapi.operations import RequestParameter
from service.training.records.format import RecordFormat


def _schema(declared: Declared) -> Mapping[str, Any]:
    if declared.options:
        return {"type": "string", "enum": list(declared.options)}
    if declared.type is float:
        bounds = declared.parameter
        return {"type": "number", "minimum": bounds.ge, "maximum": bounds.le, "default": declared.default}
    return {"type": "string", "minLength": 1}


def _meaning(declared: Declared) -> str:
    example = ', as a JSON object: `{"text": "name", "label": "country"}`' if declared.name == "fields" else ""
    return f"{declared.parameter.description}{example}"


RECORD_PARAMETERS: Final = (
    RequestParameter(
        "task",
        "what is to be learned from the records",
        schema={"type": "string", "enum": list(TASKS), "default": "generate"},
    ),
    *(RequestParameter(name, _meaning(each), schema=_schema(each)) for name, each in choices(RecordFormat).items()),
)
