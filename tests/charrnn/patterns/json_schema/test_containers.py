"""Objects and arrays have their parts in order, with as many as they may have."""

from __future__ import annotations

from itertools import combinations, product

import pytest

from charrnn.patterns.errors import PatternTooLargeError
from charrnn.patterns.flattening import flat
from charrnn.patterns.graphs import takes
from charrnn.patterns.json_schema.containers import Property, array, object_
from charrnn.patterns.nodes import NOTHING, Node, literal


def texts(node: Node, candidates: list[str]) -> set[str]:
    graph = flat(node)
    return {each for each in candidates if takes(graph, each)}


@pytest.mark.parametrize(("least", "most"), [(0, None), (0, 0), (0, 2), (1, None), (2, 2), (3, 5)])
def test_an_object_has_the_members_that_it_must_have_in_order(least: int, most: int | None) -> None:
    properties = [Property(literal(f"{name}: "), literal("1"), required=name == "b") for name in "abc"]
    subsets = [chosen for n in range(4) for chosen in combinations("abc", n)]
    written = {chosen: "{" + ", ".join(f"{name}: 1" for name in chosen) + "}" for chosen in subsets}
    candidates = [*written.values(), "{b: 1, a: 1}", "{b: 1, }", "{, b: 1}", "{b: 1", "{b: 1, b: 1}"]
    fitting = {c for c in subsets if "b" in c and least <= len(c) and (most is None or len(c) <= most)}
    assert texts(object_(properties, least, most), candidates) == {written[each] for each in fitting}


@pytest.mark.parametrize(("least", "most"), [(0, None), (0, 0), (0, 3), (1, None), (2, 2), (2, 4)])
def test_an_array_has_items_of_the_nodes_and_then_of_the_last(least: int, most: int | None) -> None:
    sequences = [items for n in range(5) for items in product("xy", repeat=n)]
    written = {items: f"[{', '.join(items)}]" for items in sequences}
    fitting = {
        items
        for items in sequences
        if least <= len(items) and (most is None or len(items) <= most) and all(i == "x" for i in items[:1])
        if all(i == "y" for i in items[1:])
    }
    found = texts(array([literal("x"), literal("y")], least, most), [*written.values(), "[x,y]", "[x, ]", "[, x]"])
    assert found == {written[each] for each in fitting}


def test_an_array_of_fewer_than_it_must_have_is_none_and_one_of_too_many_is_too_large() -> None:
    assert array([literal("x")], 3, 2) is NOTHING
    with pytest.raises(PatternTooLargeError, match="20,000 states"):
        array([literal("x")], 0, 1_000_000)
