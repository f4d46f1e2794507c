"""Strings: what is to hold of their characters, and how these are written in JSON."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import Final

from charrnn.patterns.bounds import MAX_STATES
from charrnn.patterns.errors import PatternTooLargeError
from charrnn.patterns.flattening import flat
from charrnn.patterns.graphs import ANYTHING, both, of_length
from charrnn.patterns.json_schema.formats import FORMATS
from charrnn.patterns.nodes import (
    Alternation,
    Characters,
    Concatenation,
    Graph,
    Node,
    Repeat,
    character,
    matching,
)
from charrnn.patterns.syntax import parsed

_CONTROLS: Final = "".join(map(chr, range(32)))

_ESCAPES: Final = {each: json.dumps(each)[1:-1] for each in '"\\' + _CONTROLS}
"""How characters are written that may not stand in a string as they are."""

_BRIEF: Final = frozenset(each for each, written in _ESCAPES.items() if len(written) == 2)
r"""Those with a name of their own, such as \n; others are only written where a pattern names them."""

_ANY_TEXT: Final = Repeat(ANYTHING)


@dataclass(frozen=True, slots=True)
class Text:
    """What is to hold of a string: its characters, at least and at most, expressions of which a part of it matches
    each, and its formats."""

    least: int = 0
    most: int | None = None
    searched: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()

    def graphs(self) -> list[Graph]:
        """For each of the expressions and formats, the strings of which it holds. Raises PatternTooLargeError."""
        return [*map(with_match, self.searched), *map(_of_format, self.formats)]

    def graph(self) -> Graph:
        """The strings of which all of that holds, a graph of characters. Raises PatternTooLargeError."""
        graphs = self.graphs()
        if self.least or self.most is not None or not graphs:
            graphs.append(of_length(self.least, self.most))
        return reduce(both, sorted(graphs, key=lambda graph: len(graph.edges)))

    def node(self) -> Node:
        """The strings as they are written in JSON, between quotation marks. Raises PatternTooLargeError."""
        if max(self.least, self.most or 0) > MAX_STATES:
            raise PatternTooLargeError("states", MAX_STATES)
        if self.searched or self.formats:
            body: Node = _written(self.graph())
        elif self.most is not None and self.most < self.least:
            body = Alternation(())
        else:
            body = Repeat(_as_written(ANYTHING), self.least, self.most)
        return Concatenation((character('"'), body, character('"')))


@lru_cache(maxsize=64)
def with_match(searched: str) -> Graph:
    """The strings of which a part matches a regular expression, a graph of characters; both Python and JavaScript find
    that it does.

    Raises InvalidPatternError, UnsupportedPatternError and PatternTooLargeError.
    """
    return flat(Concatenation((_ANY_TEXT, parsed(searched, portable=True), _ANY_TEXT)))


@lru_cache(maxsize=len(FORMATS))
def _of_format(name: str) -> Graph:
    return flat(parsed(FORMATS[name]))


def _written(graph: Graph) -> Graph:
    """The same, its characters written as in JSON."""
    return Graph(
        tuple(tuple((_as_written(label), other) for label, other in edges) for edges in graph.edges), graph.ends
    )


@lru_cache(maxsize=1024)
def _as_written(label: Node) -> Node:
    assert isinstance(label, Characters)
    among = label.among("".join(_ESCAPES)) & (_BRIEF | {*label.named})
    plain = Characters(label.matching, label.named, label.without + "".join(_ESCAPES))
    return Alternation((plain, *(_unnamed(_ESCAPES[each]) for each in sorted(among)))) if among else plain


def _unnamed(text: str) -> Node:
    """The text, whose characters no pattern names."""
    return Concatenation(tuple(matching(re.escape(each)) for each in text))
