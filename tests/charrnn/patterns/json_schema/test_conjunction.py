"""References and allOf hold together with their neighbours; a schema reaches neither itself nor what is elsewhere."""

from __future__ import annotations

from typing import Any

import pytest

from charrnn.patterns.errors import InvalidPatternError, PatternTooLargeError, UnsupportedPatternError
from charrnn.patterns.json_schema.conjunction import MAX_SCHEMAS, Resolver
from charrnn.patterns.json_schema.located import MAX_DEPTH, Located, at, pointer, shown

DEFS = {"a/b": {"minLength": 1}, "~": {"maxLength": 9}, "é": {"allOf": [{"pattern": "x"}, {"$ref": "#/$defs/~0"}]}}


def places(schema: Any) -> list[str]:
    return [facet.located.place for facet in Resolver(schema).all_of((Located(schema),)).facets]


def test_all_that_holds_of_a_value_is_found_once() -> None:
    assert places({"$defs": DEFS, "$ref": "#/$defs/a~1b", "type": "string"}) == ["", "/$defs/a~1b"]
    found = places({"$defs": DEFS, "allOf": [{"$ref": "#/$defs/%C3%A9"}, {"$ref": "#/$defs/~0"}]})
    assert sorted(found) == [
        *("", "/$defs/~0", "/$defs/é", "/$defs/é/allOf/0", "/$defs/é/allOf/1", "/allOf/0", "/allOf/1"),
    ]


def test_choices_are_left_until_they_are_settled() -> None:
    schema = {"anyOf": [{"type": "null"}, {"type": "string"}], "allOf": [{"oneOf": [True]}]}
    resolver, parts = Resolver(schema), (Located(schema),)
    assert [each.place for each in resolver.all_of(parts).alternatives] == ["/anyOf", "/allOf/0/oneOf"]
    assert [each.place for each in resolver.all_of(parts, frozenset({"/anyOf"})).alternatives] == ["/allOf/0/oneOf"]
    assert Resolver({"allOf": [False]}).all_of((Located({"allOf": [False]}),)).never


@pytest.mark.parametrize(
    ("schema", "error", "message"),
    [
        ({"$ref": "#"}, UnsupportedPatternError, "refers to itself"),
        ({"allOf": [{"$ref": "#/allOf/0"}]}, UnsupportedPatternError, "refers to itself"),
        ({"$ref": "file:///etc/passwd"}, UnsupportedPatternError, "what is not in the schema"),
        ({"$ref": "https://example.org/a"}, UnsupportedPatternError, "what is not in the schema"),
        ({"$ref": "#name"}, UnsupportedPatternError, "by a name"),
        ({"$ref": "#/$defs/none"}, InvalidPatternError, "nothing at the reference"),
        ({"allOf": [True], "$ref": "#/allOf/01"}, InvalidPatternError, "nothing at the reference"),
    ],
)
def test_a_reference_that_cannot_be_followed_is_named(schema: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        places(schema)


def test_how_many_and_how_deep_is_bounded() -> None:
    with pytest.raises(PatternTooLargeError, match="schemas"):
        places({"allOf": [{}] * MAX_SCHEMAS})
    deep = Located([[]])
    with pytest.raises(PatternTooLargeError, match="within each other"):
        for _ in range(MAX_DEPTH + 1):
            deep = deep.referring(Located({}))


def test_places_are_pointers() -> None:
    assert pointer(pointer("", "a/b~"), 3) == "/a~1b~0/3"
    assert (at(""), at("/a")) == ("at the top", 'at "/a"')
    assert len(shown("x" * 1000)) == 80
