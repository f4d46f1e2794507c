from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.patterns.errors import PatternTooLargeError
from charrnn.patterns.flattening import flat
from charrnn.patterns.graphs import takes
from charrnn.patterns.nodes import EMPTY, Graph, Repeat, literal, optional
from charrnn.patterns.syntax import parsed
from tests.laws import examples

ATOMS = st.sampled_from(["a", "b", ".", r"\w", r"\W", "[^a]", r"\s", "^", "$", r"\b", r"\B", r"\A", r"\Z", ""])
EXPRESSIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda two: f"(?:{two[0]}|{two[1]})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "{2,}"])).map(
            lambda two: f"(?:{two[0]}){two[1]}"
        ),
    ),
    max_leaves=8,
)


@examples(50)
@given(EXPRESSIONS, st.lists(st.text("ab !", max_size=6), max_size=20))
def test_a_graph_takes_what_its_expression_matches(expression: str, texts: list[str]) -> None:
    graph = flat(parsed(expression))
    for text in texts:
        if text or r"\B" not in expression:  # Python changes its mind about the empty text there
            assert takes(graph, text) is (re.fullmatch(expression.replace("$", r"\Z"), text) is not None), text


@pytest.mark.parametrize(
    ("expression", "text"),
    [(r"caf\b.", "café"), (r"é\b", "é"), (r"\B.*", "é"), (r"a\bé", "aé"), (r"a\Bé", "aé"), (r"é\B.", "é ")],
)
def test_there_is_no_boundary_where_python_and_javascript_disagree(expression: str, text: str) -> None:
    assert not takes(flat(parsed(expression)), text)


def test_graphs_within_graphs_are_flattened() -> None:
    inner = Graph(
        (((literal("ab"), 1), (EMPTY, 1)), ((literal("c"), 0), (optional(literal("d")), 2)), ()), frozenset({2})
    )
    graph = flat(Graph((((inner, 1),), ((literal("!"), 0),)), frozenset({1})))
    for text in ("", "ab", "abd", "cabd", "abcabd", "d!d", "!cab"):
        assert takes(graph, text), text
    for text in ("a", "dd", "abab", "da", "!c!ca"):
        assert not takes(graph, text), text


@pytest.mark.parametrize("node", [Repeat(literal("a"), 0, 10**9), Repeat(Repeat(EMPTY, 10**9), 0, 10**9)])
def test_what_is_too_large_is_refused(node: Repeat) -> None:
    with pytest.raises(PatternTooLargeError):
        flat(node)
