"""From an automaton over characters to the columns of a vocabulary's ids, of which each spells one or several."""

from __future__ import annotations

import numpy as np

from charrnn.patterns.alphabet import Alphabet, Indices
from charrnn.patterns.automaton import NONE, Ints
from charrnn.patterns.bounds import MAX_ENTRIES, Work
from charrnn.patterns.determinizing import Table
from charrnn.patterns.errors import PatternTooLargeError


def spelled(table: Table, alphabet: Alphabet, texts: dict[int, str], outputs: int, work: Work) -> tuple[Table, Indices]:
    """The automaton over ids, and the column of each id [outputs], NONE for ids without a text. `texts` says what the
    ids spell: of the alphabet's characters, all of which occur. Raises PatternTooLargeError."""
    columns = np.full(outputs, NONE, dtype=np.int64)
    classes = dict(zip(alphabet.characters, alphabet.classes.tolist(), strict=True))
    numbers: dict[tuple[int, ...], int] = {}
    for id_, text in texts.items():
        spelling = tuple(classes[character] for character in text)
        columns[id_] = numbers.setdefault(spelling, len(numbers))
    if len(table.ends) * len(numbers) > MAX_ENTRIES:
        raise PatternTooLargeError("entries in its table", MAX_ENTRIES)
    following = np.empty((len(table.ends), len(numbers)), dtype=np.int32)
    for spelling, number in numbers.items():
        work.spend(len(spelling) * (1 + len(table.ends) // 256))
        following[:, number] = _after(table.following, spelling)
    minimal = table.minimal and all(len(spelling) == 1 for spelling in numbers)
    return Table(following, table.ends, minimal), columns


def _after(following: Ints, spelling: tuple[int, ...]) -> Ints:
    """The state after the classes from each state [states]."""
    first, *others = spelling
    states = following[:, first]
    for each in others:
        states = np.where(states == NONE, NONE, following[states, each])
    return states
