"""Bounds that are settings: an annotation that validates a field and appears in its schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import core_schema

from charrnn.wording import count
from service.api.schemas.faults import predicate
from service.settings import Settings

KEY: Final = "x-at-most"
"""The key in a field's schema with the name of the setting, which `fill_in` replaces by its value."""

_KEYWORDS: Final = {"integer": "maximum", "number": "maximum", "string": "maxLength", "array": "maxItems"}


@dataclass(frozen=True, slots=True)
class AtMost:
    """A number, or the length of a text or a list, must be at most the setting; `unit` is what is counted.

    The settings are passed to pydantic as the validation's context: `{"settings": ...}`.
    """

    setting: str
    unit: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.with_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(schema), KEY: self.setting}

    def _check(self, value: Any, info: core_schema.ValidationInfo) -> Any:
        limit = getattr((info.context or {})["settings"], self.setting)
        size = value if isinstance(value, int) else len(value)
        if size > limit:
            most = count(limit, self.unit.removesuffix("s"))
            raise predicate(f"must be at most {most} ({self.setting.upper()}), not {size}")
        return value


def fill_in(schema: Any, settings: Settings) -> Any:
    """The JSON schema, with the values of settings instead of the names left by `AtMost`."""
    if isinstance(schema, list):
        return [fill_in(item, settings) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    filled = {name: fill_in(value, settings) for name, value in schema.items() if name != KEY}
    if KEY in schema:
        filled[_KEYWORDS[schema["type"]]] = getattr(settings, schema[KEY])
    return filled
