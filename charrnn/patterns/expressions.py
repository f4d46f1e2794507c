"""A syntax tree as a pattern: its automaton over some characters."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Final

from charrnn.patterns.alphabet import Alphabet
from charrnn.patterns.bounds import Work
from charrnn.patterns.derivatives import Derivatives
from charrnn.patterns.determinizing import Table, determinized
from charrnn.patterns.nodes import AFTER_LAST, Node, code_points
from charrnn.patterns.stops import without_stops
from charrnn.patterns.terms import Terms

_PART: Final = 1 << 12
"""So many characters are looked at in one go, which takes memory for each."""


class Expression:
    """What fits a syntax tree. Raises PatternTooLargeError."""

    def __init__(self, node: Node) -> None:
        self._terms = Terms(Work())
        self._start = self._terms.of(node)
        self._derivatives = Derivatives(self._terms)
        self.named = {character for atom in self._terms.atoms for character in atom.named}

    def wider(self, characters: str) -> str:
        """These characters and all that could make more texts fit, ascending: of each atom those that it names, a word
        character and another."""
        words, others = _every_character()
        found = {*characters, *self.named, "\n"}
        for atom in self._terms.atoms:
            found.update(atom.first_among(words), atom.first_among(others))
        return "".join(sorted(found))

    def table(self, characters: str, stop: Sequence[str], work: Work) -> tuple[Table, Alphabet]:
        """The automaton over these characters of the texts that fit and contain no stop text."""
        self._terms.work = work
        alphabet = Alphabet(
            characters, self._terms.atoms, asserts=self._terms.asserts, apart=sorted(set("".join(stop)))
        )
        table = determinized(self._derivatives, self._start, alphabet)
        return without_stops(table, alphabet, stop, work), alphabet


@cache
def _every_character() -> tuple[str, str]:
    """All that are part of a word, and all others."""
    parts = [code_points(start, start + _PART) for start in range(0, AFTER_LAST, _PART)]
    return "".join(re.sub(r"\W+", "", part) for part in parts), "".join(re.sub(r"\w+", "", part) for part in parts)
