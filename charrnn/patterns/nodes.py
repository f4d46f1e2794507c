"""A pattern's syntax tree: which texts fit, before any vocabulary is known."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import cache, lru_cache
from typing import Final

import numpy as np


@dataclass(frozen=True, slots=True)
class Characters:
    """One character: any that all of `matching`, regular expressions that take one character, match and that is not in
    `without`. `named` are those that the pattern names one by one, reported if a vocabulary lacks them."""

    matching: tuple[re.Pattern[str], ...]
    named: str = ""
    without: str = ""

    def among(self, characters: str) -> set[str]:
        """Those of the characters that fit."""
        first, *others = (each.findall(characters) for each in self.matching)
        return set(first).intersection(*others) - set(self.without)

    @property
    def nothing(self) -> bool:
        """Whether it is certain that no character fits."""
        return _is_nothing(self)

    def first_among(self, characters: str) -> str:
        """The first of the characters, which are in ascending order, that fits; none if there is none."""
        if not all(map(_is_beyond_ascii, self.matching)):
            characters = characters[: len(_ASCII)]
        start, size = 0, 64
        while start < len(characters):
            if found := self.among(characters[start : start + size]):
                return min(found)
            start, size = start + size, 4 * size
        return ""

    def common(self, other: Characters) -> Characters:
        """The characters that both take."""
        both = tuple(dict.fromkeys(self.matching + other.matching))
        return Characters(both, self.named + other.named, self.without + other.without)


@dataclass(frozen=True, slots=True)
class Concatenation:
    """One part after the other; without parts: the empty text."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Alternation:
    """Any of the branches; without branches: no text."""

    branches: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """The body at least `least` and at most `most` times (None: any number of times)."""

    body: Node
    least: int = 0
    most: int | None = None


class Assertion(Enum):
    """What holds at a place between two characters, as in `re`; takes no character."""

    START = "^"
    END = r"\Z"
    LINE_END = "$"
    """The end, or before a newline that is the last character."""
    BOUNDARY = r"\b"
    NO_BOUNDARY = r"\B"


@dataclass(frozen=True, slots=True)
class Graph:
    """The ways through a graph from its start to one of its ends; `edges`: of each vertex, the nodes that lead to
    others. No way that takes no character leads back to where it began."""

    edges: tuple[tuple[Edge, ...], ...]
    ends: frozenset[int]
    start: int = 0


Node = Characters | Concatenation | Alternation | Repeat | Assertion | Graph

Edge = tuple[Node, int]

AFTER_LAST: Final = 0x110000
"""After the last code point."""

EMPTY: Final = Concatenation(())

NOTHING: Final = Alternation(())
"""No text at all."""


_ASCII: Final = "".join(map(chr, range(128)))


def code_points(first: int, stop: int) -> str:
    """All characters from one to before another, surrogates too; none of them is an object meanwhile."""
    return np.arange(first, stop, dtype="<u4").tobytes().decode("utf-32-le", "surrogatepass")


@lru_cache(maxsize=4096)
def _is_nothing(characters: Characters) -> bool:
    return not characters.among(_ASCII) and not all(map(_is_beyond_ascii, characters.matching))


@lru_cache(maxsize=4096)
def _is_beyond_ascii(expression: re.Pattern[str]) -> bool:
    """Whether it matches any character beyond ASCII."""
    return expression.search(_beyond_ascii()) is not None


@cache
def _beyond_ascii() -> str:
    return code_points(128, AFTER_LAST)


@lru_cache(maxsize=1024)
def character(one: str) -> Characters:
    """This character."""
    return Characters((re.compile(re.escape(one)),), one)


def literal(text: str) -> Node:
    """This text."""
    return Concatenation(tuple(map(character, text)))


def matching(source: str, named: str = "", without: str = "") -> Characters:
    """A character that the regular expression `source`, which takes one character, matches."""
    return Characters((re.compile(source),), named, without)


def optional(body: Node) -> Node:
    """The body or the empty text."""
    return Repeat(body, 0, 1)
