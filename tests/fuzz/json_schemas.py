"""Hostile JSON schemas: each is compiled or refused in words within the bounds, and what fits is JSON that a validator
accepts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from random import Random
from typing import Any, Final

from jsonschema import Draft202012Validator

from charrnn.patterns.bounds import MAX_STATES
from charrnn.patterns.compiling import Pattern, compile_pattern
from charrnn.patterns.errors import PatternError
from tests.charrnn.patterns.json_schema.drawing import VOCABULARY, automaton_of, drawn
from tests.fuzz.cases import Case
from tests.fuzz.mutating import odd_value
from tests.fuzz.patterns import little_memory

_VALUES: Final = [None, True, 0, -3, 7, 0.5, 1e20, "", "a", 'say "x"\n', "é", [], [1, "a"], {}, {"a": None}]
_NUMBERS: Final = [0, 1, 2, 3, 10, 40, -1, 0.1, -0.25, 99.99, 10**19, 1e-9, 20_000]
_EXPRESSIONS: Final = [
    "^[a-z]+$",
    "a",
    r"^\d{4}-\d\d$",
    r"\bx",
    "^(a|b)*a(a|b){9}$",
    "[^\\x00]",
    "(?=a)",
    "(",
    '^["\\\\]$',
]
_FORMATS: Final = ["date", "time", "date-time", "uuid", "email", "ipv4", "ipv6", "uri"]
_NAMES: Final = ["a", "b", "é", "a/b", "~", ""]
_OF: Final = {
    "string": ("minLength", "maxLength", "pattern", "format"),
    "integer": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "array": ("items", "prefixItems", "minItems", "maxItems", "uniqueItems"),
    "object": ("properties", "required", "minProperties", "maxProperties", "additionalProperties"),
    "boolean": (),
    "null": (),
}
_ANYWHERE: Final = ("enum", "const", "anyOf", "oneOf", "allOf", "$ref", "title", "not", "description")


def _schema(random: Random, depth: int) -> Any:
    """Mostly one that can be compiled."""
    if random.random() < 0.03:
        return random.choice((True, False, {}))
    types = list(_OF) if depth else ["string", "integer", "number", "boolean", "null"]
    type_ = random.choice(types)
    made: dict[str, Any] = {"type": type_} if random.random() < 0.9 else {"type": random.sample(types, k=2)}
    wanted = random.sample(_OF[type_], k=random.randint(0, min(3, len(_OF[type_]))))
    if type_ == "array":
        wanted.append("items")
    if random.random() < 0.25:
        wanted.append(random.choice(_ANYWHERE))
    for keyword in wanted:
        made[keyword] = _value(keyword, random, depth)
    return made


def _value(keyword: str, random: Random, depth: int) -> Any:
    if random.random() < 0.02:
        return odd_value(random)
    match keyword:
        case "items" | "not":
            return _schema(random, max(0, depth - 1))
        case "prefixItems" | "anyOf" | "oneOf" | "allOf":
            return [_schema(random, max(0, depth - 1)) for _ in range(random.randint(1, 3))]
        case "properties":
            return {name: _schema(random, max(0, depth - 1)) for name in random.sample(_NAMES, k=random.randint(0, 4))}
        case "required":
            return random.sample(_NAMES, k=random.randint(0, 2))
        case "enum":
            return random.sample(_VALUES, k=random.randint(1, 4))
        case "const":
            return random.choice(_VALUES)
        case "pattern":
            return random.choice(_EXPRESSIONS)
        case "format":
            return random.choice(_FORMATS)
        case "$ref":
            return random.choice(("#/$defs/a", "#/$defs/b", "#", "#/$defs/none", "file:///etc/passwd", "https://a.b/c"))
        case "additionalProperties" | "uniqueItems":
            return random.random() < 0.5
        case "title" | "description":
            return "x"
    return random.choice(_NUMBERS)


def _source(random: Random) -> str:
    depth = random.choice((0, 1, 2, 2, 3, 5))
    schema = _schema(random, depth)
    if isinstance(schema, dict) and random.random() < 0.4:
        schema["$defs"] = {name: _schema(random, min(depth, 2)) for name in "ab"}
    for _ in range(random.choice((0, 0, 0, 0, 0, 0, 0, 39, 60))):
        schema = {"type": "array", "items": schema}
    text = json.dumps(schema, ensure_ascii=False)
    return text if random.random() < 0.97 else text[: random.randrange(len(text))]


def _compiled(random: Random) -> str:
    source = _source(random)
    try:
        automaton = compile_pattern(Pattern("json_schema", source), VOCABULARY, len(VOCABULARY)).automaton
    except PatternError as error:
        assert str(error)
        return type(error).__name__
    assert len(automaton) <= MAX_STATES
    # What no value can reach may be no schema: nobody looks at it.
    validator = Draft202012Validator(json.loads(source), format_checker=Draft202012Validator.FORMAT_CHECKER)
    for more in (0, 0, 1, 5, 30):
        text = drawn(automaton, random, more)
        assert validator.is_valid(json.loads(text)), (source, text)
    return "compiled"


@contextmanager
def compiled() -> Iterator[Case]:
    """Schemas that are hostile in form or in size, in a process that may not take much memory."""
    with suppress(PatternError):  # what is made at first use
        automaton_of({"type": "string", "pattern": r"\bé", "format": "date"})
    with little_memory():
        yield _compiled
