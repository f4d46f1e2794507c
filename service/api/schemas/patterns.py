"""What a generated text has to fit, as requests ask for it: this service's fields, and other servers' names for the
same."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Final, Literal, NotRequired

from pydantic import ConfigDict, Field, Tag, model_validator, with_config
from typing_extensions import TypedDict

from charrnn.patterns.bounds import MAX_CHARACTERS, MAX_CHOICES
from charrnn.patterns.compiling import Pattern
from charrnn.patterns.errors import UnsupportedPatternError
from service.api.schemas.base import Body
from service.api.schemas.faults import alternatives, fault

# The bounds are only for the document: what exceeds them is refused where it is compiled, with a code of its own.
Regex = Annotated[str, Field(json_schema_extra={"maxLength": MAX_CHARACTERS})]
Choices = Annotated[list[str], Field(json_schema_extra={"minItems": 1, "maxItems": MAX_CHOICES})]


def _schema_kind(value: Any) -> str | None:
    return "<schema>" if isinstance(value, dict) else "<text>" if isinstance(value, str) else None


JsonSchema = Annotated[
    Annotated[dict[str, Any], Tag("<schema>")] | Annotated[str, Tag("<text>")],
    alternatives(_schema_kind, "an object, or a string with one"),
]

_strict: Final = with_config(ConfigDict(strict=True, extra="forbid"))


@_strict
class StructuredOutputs(TypedDict):
    """vLLM's name for a pattern: one of `regex`, `choice` and `json`. What else it can say is not supported, or has no
    effect."""

    regex: NotRequired[Annotated[Regex | None, Field(description="as regex")]]
    choice: NotRequired[Annotated[Choices | None, Field(description="as choice")]]
    json: NotRequired[Annotated[JsonSchema | None, Field(description="as json_schema")]]
    disable_fallback: NotRequired[Annotated[bool | None, Field(description="has no effect")]]
    disable_any_whitespace: NotRequired[Annotated[bool | None, Field(description="has no effect")]]
    disable_additional_properties: NotRequired[Annotated[bool | None, Field(description="has no effect")]]


@_strict
class NamedSchema(TypedDict):
    """A schema as OpenAI's clients send it, which is kept to in any case."""

    schema: Annotated[JsonSchema, Field(description="as json_schema")]
    name: NotRequired[Annotated[str | None, Field(description="has no effect")]]
    description: NotRequired[Annotated[str | None, Field(description="has no effect")]]
    strict: NotRequired[Annotated[bool | None, Field(description="has no effect: it is always kept to")]]


@_strict
class ResponseFormat(TypedDict):
    """OpenAI's name for a schema; `text` asks for nothing."""

    type: Annotated[Literal["text", "json_schema", "json_object"], Field(description="what the text is to be")]
    json_schema: NotRequired[Annotated[NamedSchema | None, Field(description="with the type `json_schema`")]]


class PatternBody(Body):
    """What a generated text has to fit: at most one of the fields."""

    null_is_given: ClassVar[frozenset[str]] = frozenset({"regex", "choice", "json_schema"})

    regex: Regex | None = Field(
        None,
        description="the text, without the prompt, matches it as a whole: Python's syntax, without look-around,"
        " back-references, and flags other than (?i) and (?s); whatever `length` is, the text is whole",
    )
    choice: Choices | None = Field(None, description="the text, without the prompt, is one of these strings")
    json_schema: JsonSchema | None = Field(
        None, description='the text, without the prompt, is JSON of this schema, with `", "` and `": "` between'
    )
    guided_regex: Regex | None = Field(None, description="vLLM's name for regex")
    guided_choice: Choices | None = Field(None, description="vLLM's name for choice")
    guided_json: JsonSchema | None = Field(None, description="vLLM's name for json_schema")
    structured_outputs: StructuredOutputs | None = Field(None, description="vLLM's name for one of the three")
    response_format: ResponseFormat | None = Field(None, description="OpenAI's name for json_schema")

    @model_validator(mode="after")
    def _one_pattern(self) -> PatternBody:
        if len(asked := self._all_asked) > 1:
            first, second = asked[:2]
            raise fault(f"{first} and {second} both say what the text has to fit: give only one of them", second)
        if self.structured_outputs is not None and (count := len(_patterns_in(self.structured_outputs))) != 1:
            message = f"structured_outputs must have one of {', '.join(_IN_STRUCTURED)}, not {count} of them"
            raise fault(message, "structured_outputs")
        return self

    @property
    def pattern_field(self) -> str | None:
        """The field that says what the text has to fit, for errors."""
        return self._asked

    @property
    def gives_pattern(self) -> bool:
        """Whether it says what the text has to fit, or with null that it need not fit anything."""
        return self._asked is not None or not self.null_is_given.isdisjoint(self.model_fields_set)

    def pattern(self) -> Pattern | None:
        """What the text has to fit. Raises UnsupportedPatternError."""
        name = self._asked
        return None if name is None else SOURCES[name](getattr(self, name))

    @property
    def _asked(self) -> str | None:
        return next(iter(self._all_asked), None)

    @property
    def _all_asked(self) -> list[str]:
        if SOURCES.keys().isdisjoint(self.model_fields_set):  # as in most requests
            return []
        return [name for name in SOURCES if self._asks(name)]

    def _asks(self, name: str) -> bool:
        value = getattr(self, name)
        return value is not None and not (name == "response_format" and value["type"] == "text")


def _regex(source: str) -> Pattern:
    return Pattern("regex", source)


def _choice(choices: list[str]) -> Pattern:
    return Pattern("choice", tuple(choices))


def _schema(schema: dict[str, Any] | str) -> Pattern:
    return Pattern("json_schema", schema if isinstance(schema, str) else json.dumps(schema, ensure_ascii=False))


def _structured(outputs: StructuredOutputs) -> Pattern:
    ((name, value),) = _patterns_in(outputs).items()
    return _IN_STRUCTURED[name](value)


def _patterns_in(outputs: StructuredOutputs) -> dict[str, Any]:
    return {name: value for name, value in outputs.items() if name in _IN_STRUCTURED and value is not None}


def _formatted(format: ResponseFormat) -> Pattern:
    if (named := format.get("json_schema")) is None or format["type"] != "json_schema":
        raise UnsupportedPatternError(f"the type {format['type']} without a schema")
    return _schema(named["schema"])


_IN_STRUCTURED: Final[Mapping[str, Callable[[Any], Pattern]]] = {"regex": _regex, "choice": _choice, "json": _schema}
SOURCES: Final[Mapping[str, Callable[[Any], Pattern]]] = {
    "regex": _regex,
    "choice": _choice,
    "json_schema": _schema,
    "guided_regex": _regex,
    "guided_choice": _choice,
    "guided_json": _schema,
    "structured_outputs": _structured,
    "response_format": _formatted,
}
"""The fields that say what a text has to fit, and how each is read."""
OTHER_NAMES: Final = frozenset(SOURCES) - PatternBody.null_is_given
"""Those that are other servers' names for the same."""
