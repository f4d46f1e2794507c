from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.patterns.compiling import Pattern, compile_pattern
from charrnn.patterns.errors import (
    EmptyPatternError,
    InvalidPatternError,
    PatternTooLargeError,
    UnknownPatternCharactersError,
    UnsupportedPatternError,
)
from charrnn.patterns.schema import schema_node
from charrnn.vocabulary import Vocabulary
from tests.charrnn.patterns.json_schema.drawing import (
    CHARACTERS,
    VOCABULARY,
    automaton_of,
    drawn,
    takes,
    validator_of,
)
from tests.laws import examples

SCHEMAS = json.loads((Path(__file__).parent / "json_schema" / "schemas.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_validator_agrees_with_every_text_that_is_drawn(name: str) -> None:
    automaton, validator, random = automaton_of(SCHEMAS[name]), validator_of(SCHEMAS[name]), Random(name)
    for more in (0, 0, 1, 2, 5, *[random.randrange(80) for _ in range(60)]):
        text = drawn(automaton, random, more)
        value = json.loads(text)
        validator.validate(value)
        assert json.dumps(value, ensure_ascii=False) == text or _has_numbers(value)


def _has_numbers(value: Any) -> bool:
    """Whether a value has a number with a point, which can be written in several ways."""
    if isinstance(value, dict | list):
        return any(map(_has_numbers, value.values() if isinstance(value, dict) else value))
    return isinstance(value, float)


def test_just_these_texts_fit() -> None:
    flags = {"type": "object", "properties": {"a": {"type": "boolean"}, "b": {"type": "null"}}, "required": ["b"]}
    assert _texts(flags) == ['{"a": false, "b": null}', '{"a": true, "b": null}', '{"b": null}']
    few = {"type": "array", "items": {"enum": [1, "x"]}, "minItems": 1, "maxItems": 2}
    assert _texts(few) == sorted(['["x"]', "[1]", '["x", "x"]', '["x", 1]', '[1, "x"]', "[1, 1]"])
    assert _texts({"type": "integer", "minimum": -2, "maximum": 1}) == ["-1", "-2", "0", "1"]
    assert _texts({"type": "number", "exclusiveMinimum": 0.98, "maximum": 1}, longest=4) == ["0.99", "1", "1.0", "1.00"]
    some = {"type": "string", "pattern": r'^["\\\n][ab]?$'}
    assert _texts(some) == sorted(f'"{mark}{more}"' for mark in (r"\"", r"\\", r"\n") for more in ("", "a", "b"))
    assert _texts({"anyOf": [{"type": "null"}, {"type": "boolean"}]}) == ["false", "null", "true"]
    one_or_two = {"type": "object", "properties": {name: {"type": "null"} for name in "abc"}, "minProperties": 2}
    assert len(_texts(one_or_two)) == 4


def _texts(schema: Any, longest: int = 40) -> list[str]:
    """All texts that fit, ascending."""
    automaton, found = automaton_of(schema), []
    stack = [("", 0)]
    while stack:
        text, state = stack.pop()
        if automaton.may_end(state):
            found.append(text)
        for id_ in automaton.choosable(state, longest - len(text)).nonzero()[0].tolist():
            stack.append((text + CHARACTERS[id_], automaton.after(state, [id_])))
    return sorted(found)


UNSUPPORTED = [
    ({"not": {"type": "null"}}, 'the keyword "not" at "/not"'),
    ({"type": "string", "if": {}}, 'the keyword "if" at "/if"'),
    (
        {"type": "array", "items": {"type": "object", "properties": {"a/b": {"contains": 1}}}},
        '"/items/properties/a~1b/',
    ),
    ({"type": "array", "items": {"type": "null"}, "uniqueItems": True}, 'the keyword uniqueItems at "/uniqueItems"'),
    ({"type": "array"}, "an array without items"),
    ({"type": "array", "items": True}, 'a value of any type at "/items"'),
    ({}, "a value of any type at the top"),
    ({"title": "anything"}, "a value of any type at the top"),
    ({"type": "object", "properties": {"a": {}}}, 'a value of any type at "/properties/a"'),
    ({"type": "object", "required": ["b"]}, 'the required property "b" without a schema at "/required"'),
    (
        {"type": "number", "multipleOf": 0.01},
        'the multipleOf 0.01, about whose multiples validators disagree, at "/mul',
    ),
    (
        {"type": "string", "format": "uri"},
        'the format "uri" (only date, time, date-time, uuid, email, ipv4) at "/format"',
    ),
    ({"type": "string", "pattern": "a(?=b)"}, 'look-ahead in the pattern at "/pattern", at position 1'),
    ({"type": "string", "pattern": r"(a)\1"}, 'a back-reference in the pattern at "/pattern", at position 3'),
    ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, "oneOf where the branches 0 and 1 may both fit"),
    ({"type": "array", "items": {"$ref": "#"}}, 'refers to itself, at "/items/$ref"'),
    ({"$ref": "#"}, 'refers to itself, at "/$ref"'),
    (
        {"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/b"}]}, "b": {"$ref": "#/$defs/a"}}},
        "to itself",
    ),
    ({"$ref": "other.json#/a"}, 'the reference "other.json#/a" to what is not in the schema at "/$ref"'),
    ({"$ref": "https://example.com/schema.json"}, "to what is not in the schema"),
    ({"$ref": "file:///etc/passwd"}, "to what is not in the schema"),
    ({"$ref": "#name", "$defs": {"a": {"$anchor": "name"}}}, 'the reference "#name" by a name'),
    ({"type": "array", "items": {"$id": "x", "type": "null"}}, 'the keyword $id below the top at "/items/$id"'),
    ({"type": "array", "items": [{"type": "null"}]}, 'a list of items (prefixItems says the same) at "/items"'),
    ({"type": "integer", "minimum": 10**30}, "a number of more than 20 digits"),
]


@pytest.mark.parametrize(("schema", "said"), UNSUPPORTED)
def test_what_cannot_be_done_is_named_with_its_place(schema: Any, said: str) -> None:
    with pytest.raises(UnsupportedPatternError) as caught:
        schema_node(json.dumps(schema))
    assert said in str(caught.value)


INVALID = [
    ("[1]", "a schema must be an object, true or false, not [1] at the top"),
    ("{", "a JSON schema must be JSON: "),
    ("", "a JSON schema must be JSON: "),
    ('{"const": NaN}', "NaN is no number"),
    ('{"const": 1e999}', 'const must be of finite numbers at "/const"'),
    ('{"type": "string", "minLength": "3"}', 'minLength must be a whole number from 0 on, not "3" at "/minLength"'),
    ('{"type": "string", "minLength": -1}', "minLength must be a whole number from 0 on, not -1"),
    ('{"type": "string", "maxLength": 1.5}', "maxLength must be a whole number from 0 on, not 1.5"),
    ('{"type": "string", "maxLength": 1e999}', "maxLength must be a whole number from 0 on, not Infinity"),
    ('{"type": "string", "maxLength": true}', "maxLength must be a whole number from 0 on, not true"),
    ('{"type": "text"}', "type must be one of object, array, string, "),
    ('{"type": []}', "type must be one of "),
    ('{"type": {"a": 1}}', "type must be one of "),
    ('{"enum": []}', "enum must be a list of at least one value, not []"),
    ('{"enum": "a"}', "enum must be a list of at least one value"),
    ('{"anyOf": []}', "anyOf must be a list of at least one schema"),
    ('{"anyOf": [1]}', "anyOf must be a list of at least one schema"),
    ('{"type": "object", "properties": ["a"]}', "properties must be an object of schemas"),
    ('{"type": "object", "properties": {"a": 1}}', "properties must be an object of schemas"),
    ('{"type": "object", "required": "a"}', "required must be a list of different texts"),
    ('{"type": "object", "required": ["a", "a"]}', "required must be a list of different texts"),
    ('{"type": "integer", "minimum": "0"}', "minimum must be a number"),
    ('{"type": "integer", "multipleOf": 0}', "multipleOf must be a number above 0"),
    (
        '{"type": "string", "pattern": "(a"}',
        "missing ), unterminated subpattern at position 0 (line 1, column 1) in the ",
    ),
    ('{"$ref": "#/$defs/a"}', 'there is nothing at the reference "#/$defs/a" at "/$ref"'),
    ('{"$ref": "#/$defs/a/0/1", "$defs": {"a": [[]]}}', "there is nothing at the reference"),
    ('{"$ref": "#/$defs/a", "$defs": {"a": 1}}', 'a schema must be an object, true or false, not 1 at "/$defs/a"'),
    ('{"$ref": 1}', "$ref must be a text"),
]


@pytest.mark.parametrize(("source", "said"), INVALID)
def test_what_is_no_schema_is_reported_with_its_place(source: str, said: str) -> None:
    with pytest.raises(InvalidPatternError) as caught:
        schema_node(source)
    assert said in str(caught.value)


def _nested(levels: int, opening: str, core: str, closing: str) -> str:
    return opening * levels + core + closing * levels


def _doubling(levels: int) -> str:
    """A definition that refers to the next one twice, and so on."""
    names = [f"#/$defs/{i}" for i in range(levels)]
    pair = {f"{i}": {"anyOf": [{"$ref": name}, {"$ref": name}]} for i, name in enumerate(names[1:])}
    return json.dumps({"$ref": names[0], "$defs": {**pair, f"{levels - 1}": {"type": "null"}}})


MANY = {f"p{i}": {"type": "string"} for i in range(15_000)}


@pytest.mark.parametrize(
    "source",
    [
        _nested(10_000, '{"type": "array", "items": ', '{"type": "null"}', "}"),
        _nested(500, '{"type": "array", "items": ', '{"type": "null"}', "}"),
        _nested(10_000, '{"anyOf": [', '{"type": "null"}', "]}"),
        '{"const": ' + _nested(10_000, "[", "1", "]") + "}",
        '{"const": ' + _nested(300, '{"a": ', "1", "}") + "}",
        '{"type": "string", "pattern": "a", "minLength": 1000000000}',
        '{"type": "string", "minLength": 1000000000}',
        '{"type": "array", "items": {"type": "null"}, "minItems": 1000000000}',
        '{"type": "string", "pattern": "' + "(a{1,100}){1,100}" * 20 + '", "maxLength": 5000}',
        '{"type": "integer", "multipleOf": 1000000007}',
        _doubling(18),
        json.dumps({"type": "object", "properties": MANY}),
        json.dumps({"oneOf": [{"type": "string", "minLength": i, "maxLength": i} for i in range(300)]}),
    ],
)
def test_what_is_too_large_is_refused(source: str) -> None:
    with pytest.raises(PatternTooLargeError):
        compile_pattern(Pattern("json_schema", source), VOCABULARY, len(VOCABULARY))


@pytest.mark.parametrize(
    "schema",
    [
        False,
        {"type": "integer", "minimum": 2, "maximum": 1},
        {"type": "object", "required": ["a"], "additionalProperties": False},
        {"type": "string", "format": "date", "pattern": "-02-30$"},
    ],
)
def test_schemas_without_values_are_empty_patterns(schema: Any) -> None:
    with pytest.raises(EmptyPatternError):
        automaton_of(schema)


def test_characters_that_a_schema_cannot_do_without_are_named() -> None:
    vocabulary = Vocabulary("".join(sorted("abc: {}")))
    with pytest.raises(UnknownPatternCharactersError) as caught:
        compile_pattern(
            Pattern("json_schema", '{"type": "object", "properties": {"a": {"const": "b"}}, "required": ["a"]}'),
            vocabulary,
            7,
        )
    assert caught.value.unknown == ('"',)


NAMES = ("a", "b", "c")
SMALL = st.integers(-3, 12)
TEXTS = st.text('ab"\\\n', max_size=3)
SCALARS = st.none() | st.booleans() | SMALL | st.sampled_from([0.5, -1.25, 2.0, 1e-3]) | TEXTS
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(st.sampled_from(NAMES), unique=True).flatmap(
            lambda names: st.fixed_dictionaries(dict.fromkeys(sorted(names), inner))
        )
    ),
    max_leaves=5,
)


def _some(**keywords: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Some of the keywords."""
    return st.fixed_dictionaries({}, optional=keywords)


def _typed(name: str, keywords: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return keywords.map(lambda given: {"type": name, **given})


COUNTS = st.integers(0, 3)
BOUNDS = SMALL | st.sampled_from([0.5, -0.75, 1.5, 2.0])
PATTERNS = st.sampled_from(
    ["a", "^a", "b$", "^a*b?$", '"', r"\\", r"^[^a]*$", r"a\nb", r"\ba", r"a\B", "^$|b", "(?:ab)+", "."]
)
STRINGS = _some(minLength=COUNTS, maxLength=COUNTS, pattern=PATTERNS)
NUMBERS = _some(minimum=BOUNDS, maximum=BOUNDS, exclusiveMinimum=BOUNDS, exclusiveMaximum=BOUNDS)
LEAVES = st.one_of(
    _typed("string", STRINGS),
    _typed("integer", NUMBERS),
    _typed("integer", _some(multipleOf=st.integers(1, 5), minimum=SMALL)),
    _typed("number", NUMBERS),
    st.sampled_from([{"type": "null"}, {"type": "boolean"}, {"type": ["null", "integer"]}, False]),
    st.lists(VALUES, min_size=1, max_size=4).map(lambda values: {"enum": values}),
    VALUES.map(lambda value: {"const": value}),
)


def _objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    properties = st.lists(st.sampled_from(NAMES), unique=True).flatmap(
        lambda names: st.fixed_dictionaries(dict.fromkeys(sorted(names), inner))
    )
    return st.tuples(
        properties,
        st.lists(st.sampled_from(NAMES), unique=True, max_size=2),
        _some(minProperties=COUNTS, maxProperties=COUNTS),
    ).map(
        lambda drawn: {
            "type": "object",
            "properties": drawn[0],
            "required": drawn[1],
            "additionalProperties": False,
            **drawn[2],
        }
    )


def _arrays(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.tuples(
        inner, _some(minItems=COUNTS, maxItems=COUNTS, prefixItems=st.lists(inner, min_size=1, max_size=2))
    ).map(lambda drawn: {"type": "array", "items": drawn[0], **drawn[1]})


def _combined(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(inner, min_size=1, max_size=3)
    return st.tuples(st.sampled_from(["anyOf", "oneOf", "allOf"]), several).map(lambda drawn: {drawn[0]: drawn[1]})


ANY_SCHEMA = st.recursive(LEAVES, lambda inner: _objects(inner) | _arrays(inner) | _combined(inner), max_leaves=6)


@examples(40)
@given(ANY_SCHEMA, st.lists(VALUES, max_size=20), st.integers(0, 2**32))
def test_what_fits_is_just_what_a_validator_takes(schema: Any, values: list[Any], seed: int) -> None:
    validator, random = validator_of(schema), Random(seed)
    listed = [
        each
        for part in _parts(schema)
        for each in [*part.get("enum", []), *([part["const"]] if "const" in part else [])]
    ]
    try:
        automaton = automaton_of(schema)
    except EmptyPatternError:
        assert not any(map(validator.is_valid, [*values, *listed]))
        return
    except UnsupportedPatternError as error:
        assert "oneOf where the branches" in str(error)
        return
    for more in (0, 1, 3, 10, 30):
        validator.validate(json.loads(drawn(automaton, random, more)))
    for value in [*values, *listed]:
        texts = {json.dumps(each, ensure_ascii=False) for each in (value, _without_fractions_of_0(value))}
        assert any(takes(automaton, text) for text in texts) == validator.is_valid(value), value


def _without_fractions_of_0(value: Any) -> Any:
    """The same value with whole numbers written as such: 2.0 is an integer, but written that way only if it is listed
    so."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_without_fractions_of_0(each) for each in value]
    if isinstance(value, dict):
        return {name: _without_fractions_of_0(each) for name, each in value.items()}
    return value


def _parts(schema: Any) -> list[dict[str, Any]]:
    """The schema and all within it."""
    if isinstance(schema, list):
        return [each for part in schema for each in _parts(part)]
    if not isinstance(schema, dict):
        return []
    return [schema, *(each for part in schema.values() for each in _parts(part))]
