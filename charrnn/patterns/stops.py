"""Only texts in which none of some stop texts occurs: the product of an automaton with one that looks for them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from charrnn.patterns.alphabet import Alphabet
from charrnn.patterns.automaton import NONE, Ints
from charrnn.patterns.bounds import MAX_CONSTRUCTED, MAX_ENTRIES, Work
from charrnn.patterns.determinizing import Table
from charrnn.patterns.errors import PatternTooLargeError


def without_stops(table: Table, alphabet: Alphabet, stop: Sequence[str], work: Work) -> Table:
    """The automaton of those of its texts that contain no stop text. In the alphabet, each character of a stop text has
    a class of its own. Raises PatternTooLargeError."""
    spelled = [[alphabet.class_of(character) for character in text] for text in stop]
    searched = [[each for each in text if each is not None] for text in spelled if None not in text]
    if not searched:
        return table
    search = _search(searched, len(alphabet))
    numbers = {(0, 0): 0}
    pairs = [(0, 0)]
    rows = []
    for state, found in pairs:  # grows meanwhile
        if len(pairs) > MAX_CONSTRUCTED or len(pairs) * len(alphabet) > MAX_ENTRIES:
            raise PatternTooLargeError("states before it is minimized", MAX_CONSTRUCTED)
        after = zip(table.following[state].tolist(), search[found].tolist(), strict=True)
        row = []
        for pair in after:
            if NONE in pair:
                row.append(NONE)
                continue
            if pair not in numbers:
                numbers[pair] = len(pairs)
                pairs.append(pair)
            row.append(numbers[pair])
        work.spend(len(row))
        rows.append(row)
    return Table(np.array(rows, dtype=np.int32), table.ends[[state for state, _ in pairs]])


def _search(texts: Sequence[Sequence[int]], classes: int) -> Ints:
    """The automaton of Aho and Corasick (1975) that reads classes until one of the texts has occurred: the state after
    each class [states, classes], NONE where one of the texts ends."""
    children: list[dict[int, int]] = [{}]
    final = set()
    for text in texts:
        state = 0
        for each in text:
            if each not in children[state]:
                children[state][each] = len(children)
                children.append({})
            state = children[state][each]
        final.add(state)
    following = np.zeros((len(children), classes), dtype=np.int32)
    fallback = [0] * len(children)
    queue = [0]
    for state in queue:  # grows meanwhile; the states it falls back to come earlier
        if state:
            following[state] = following[fallback[state]]
        for each, child in children[state].items():
            fallback[child] = int(following[state, each]) if state else 0
            if fallback[child] in final:
                final.add(child)
            following[state, each] = child
            queue.append(child)
    ending = np.isin(following, list(final))
    return np.where(ending, NONE, following).astype(np.int32)
