"""Rules that learn late how to build URLs build what others do."""

from __future__ import annotations

import pytest
from werkzeug.routing import BuildError, Map, MapAdapter, Rule

from service.api.http.rules import LateRule

RULES = [
    ("/models/<name>/versions/<int:version>", "version", None),
    ("/ui/", "page", {"path": ""}),
    ("/ui/<path:path>", "page", None),
    ("/rule/<rule>", "named alike", None),
]


def adapter(rule: type[Rule]) -> MapAdapter:
    made = [rule(path, endpoint=endpoint, defaults=defaults) for path, endpoint, defaults in RULES]
    return Map(made).bind("example.org")


@pytest.mark.parametrize(
    ("endpoint", "values"),
    [
        ("version", {"name": "a b/c", "version": 3}),
        ("version", {"name": "ä", "version": 3, "also": "asked"}),
        ("page", {}),
        ("page", {"path": "docs/end"}),
        ("named alike", {"rule": "x"}),
    ],
)
def test_urls_are_those_of_a_usual_rule(endpoint: str, values: dict[str, object]) -> None:
    late, usual = adapter(LateRule), adapter(Rule)
    for _ in range(2):
        assert late.build(endpoint, values) == usual.build(endpoint, values)


def test_what_is_found_is_the_same_and_what_cannot_be_built_is_reported() -> None:
    for path in ("/models/x/versions/7", "/ui/", "/ui/docs"):
        assert adapter(LateRule).match(path) == adapter(Rule).match(path)
    with pytest.raises(BuildError):
        adapter(LateRule).build("version", {"name": "x"})
