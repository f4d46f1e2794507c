"""Some texts as a pattern: the smallest automaton without cycles that accepts just them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import Final

import numpy as np

from charrnn.patterns.alphabet import Alphabet
from charrnn.patterns.automaton import NONE
from charrnn.patterns.bounds import MAX_CHOICE_CHARACTERS, MAX_CHOICES, MAX_ENTRIES, Work
from charrnn.patterns.determinizing import Table
from charrnn.patterns.errors import EmptyPatternError, PatternTooLargeError

STEPS_OF_A_CHARACTER: Final = 4
"""What one counts behind all that a choice shares with the one before."""

Children = dict[int, int]
Register = dict[tuple[bool, tuple[tuple[int, int], ...]], int]
"""The number of a state by whether a text may end there, and by the states after it."""


class Choices:
    """One of these texts. Raises EmptyPatternError if there is none, PatternTooLargeError for too many."""

    def __init__(self, choices: Sequence[str]) -> None:
        if not choices:
            raise EmptyPatternError("there must be at least one choice")
        if len(choices) > MAX_CHOICES:
            raise PatternTooLargeError("choices", MAX_CHOICES, len(choices))
        if (characters := sum(map(len, choices))) > MAX_CHOICE_CHARACTERS:
            raise PatternTooLargeError("characters in its choices", MAX_CHOICE_CHARACTERS, characters)
        self.choices = sorted(set(choices))
        self.named = set("".join(self.choices))

    def wider(self, characters: str) -> str:
        """These characters and all that could make more texts fit, ascending."""
        return "".join(sorted(self.named.union(characters)))

    def table(self, characters: str, stop: Sequence[str], work: Work) -> tuple[Table, Alphabet]:
        """The automaton over these characters of the choices that contain no stop text."""
        known = self.named.intersection(characters)
        kept = [each for each in self.choices if known.issuperset(each) and not any(text in each for text in stop)]
        alphabet = Alphabet(characters, [], asserts=False, apart=sorted(known))
        classes = dict(zip(characters, alphabet.classes.tolist(), strict=True))
        return _table([[classes[c] for c in each] for each in kept], len(alphabet), work), alphabet


def _table(texts: list[list[int]], classes: int, work: Work) -> Table:
    """The automaton of texts of classes, ascending in the order of characters."""
    register = _registered(texts, classes, work)
    last = len(register) - 1  # the start, which is to be state 0, was registered last
    following = np.full((len(register), classes), NONE, dtype=np.int32)
    edges = [(last - tail, each, last - head) for (_, after), tail in register.items() for each, head in after]
    if edges:
        tails, labels, heads = np.array(edges).T
        following[tails, labels] = heads
    return Table(following, np.array([ends for ends, _ in register])[::-1], minimal=bool(texts))


def _registered(texts: Iterable[list[int]], classes: int, work: Work) -> Register:
    """The states of the smallest automaton, made incrementally (Daciuk et al., 2000): of what is before the latest
    text, all but its beginning is final, and a state equal to an earlier one is that."""
    register: Register = {}
    path: list[tuple[bool, Children]] = [(False, {})]
    latest: list[int] = []
    for text in texts:
        shared = next((i for i, pair in enumerate(zip_longest(latest, text)) if len(set(pair)) > 1), 0)
        work.spend(1 + STEPS_OF_A_CHARACTER * (len(text) - shared))
        _close(register, path, latest, shared)
        path += [(False, {}) for _ in text[shared:]]
        path[-1] = (True, path[-1][1])
        latest = text
        if len(register) * classes > MAX_ENTRIES:
            raise PatternTooLargeError("entries in its table", MAX_ENTRIES)
    _close(register, path, latest, 0)
    ends, children = path[0]
    register[ends, tuple(children.items())] = len(register)  # no other state is equal to it: it has the longest texts
    return register


def _close(register: Register, path: list[tuple[bool, Children]], text: list[int], depth: int) -> None:
    """Register the states of the path that are deeper."""
    while len(path) > depth + 1:
        ends, children = path.pop()
        number = register.setdefault((ends, tuple(children.items())), len(register))
        path[-1][1][text[len(path) - 1]] = number
