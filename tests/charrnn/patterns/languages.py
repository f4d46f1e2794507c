"""Random regular expressions, and the texts that they fit."""

from __future__ import annotations

import re
from itertools import product
from typing import Final

import numpy as np
from hypothesis import strategies as st

from charrnn.patterns.automaton import Automaton
from charrnn.patterns.compiling import Pattern, compile_pattern
from charrnn.patterns.errors import EmptyPatternError, UnknownPatternCharactersError
from charrnn.patterns.examples import texts
from charrnn.vocabulary import Vocabulary

SMALL: Final = Vocabulary("\n-ab")
"""Two word characters, another one, and the newline."""

LONGEST: Final = 4
EVERY: Final = ["".join(each) for length in range(LONGEST + 1) for each in product(SMALL.characters, repeat=length)]

_ATOMS: Final = [*"ab-.", r"\n", "[ab]", "[^a]", "[a-y]", r"\w", r"\W", r"\s", "(?s:.)", "(?i:A)", "x", "", r"[^\s\S]"]
_ASSERTED: Final = ["^", "$", r"\b", r"\B", r"\A", r"\Z"]
_TIMES: Final = ["*", "+", "?", "{2}", "{1,2}", "{0,3}", "{2,}", "*?", "{2,3}?", "{0}"]


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, inner).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda each: f"(?:{'|'.join(each)})"),
        st.tuples(inner, st.sampled_from(_TIMES)).map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
    )


EXPRESSIONS: Final = st.recursive(st.sampled_from(_ATOMS), _larger, max_leaves=8)
ASSERTING: Final = st.recursive(st.sampled_from([*_ATOMS, *_ASSERTED * 2]), _larger, max_leaves=8)


def fitting(expression: str, among: list[str]) -> set[str]:
    """Those that it matches as a whole."""
    return {text for text in among if re.fullmatch(expression, text)}


def compiled(expression: str, vocabulary: Vocabulary = SMALL) -> Automaton | None:
    """Its automaton; None if nothing fits that the vocabulary can spell."""
    try:
        return compile_pattern(Pattern("regex", expression), vocabulary, len(vocabulary)).automaton
    except (EmptyPatternError, UnknownPatternCharactersError):
        return None


def accepted(automaton: Automaton | None, vocabulary: Vocabulary = SMALL, longest: int = LONGEST) -> set[str]:
    """The texts of at most `longest` ids that it accepts."""
    return set() if automaton is None else {vocabulary.decode(ids) for ids in texts(automaton, longest)}


def same(first: Automaton | None, second: Automaton | None) -> bool:
    """Whether the two have the same arrays."""
    return all(
        np.array_equal(getattr(first, name), getattr(second, name)) for name in ("following", "classes", "distances")
    )
