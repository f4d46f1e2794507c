"""Only texts that are tokenized into the ids that spell them: the product of an automaton over ids with what may follow
what."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from charrnn.following import Following
from charrnn.patterns.alphabet import Indices, by_first_occurrence
from charrnn.patterns.automaton import NONE, Ints
from charrnn.patterns.bounds import MAX_CONSTRUCTED, MAX_ENTRIES, Work
from charrnn.patterns.determinizing import Flags, Table
from charrnn.patterns.errors import PatternTooLargeError


def joined(table: Table, columns: Indices, following: Following, work: Work) -> tuple[Table, Indices]:
    """The automaton of those of its texts in which each id may follow those before it, from the text's beginning on;
    `columns` [outputs] is the column of each id, NONE for ids that it never takes. Raises PatternTooLargeError."""
    ids = np.flatnonzero(columns != NONE)
    kinds, barred = following.kinds[ids], following.masks[:, ids] != 0
    groups, first = by_first_occurrence(np.column_stack([columns[ids], kinds, barred.T]).view(np.uint8))
    of_groups = np.full(len(columns), NONE, dtype=np.int64)
    of_groups[ids] = groups
    histories = _histories(following, kinds[first], barred[:, first])
    return _product(table, columns[ids[first]], histories, work), of_groups


class _Histories(NamedTuple):
    """What matters of the ids before: which groups of ids may not follow [histories, groups], and the history after
    each of them [histories, groups]; a text begins with the first."""

    barred: Flags
    following: Ints


def _histories(following: Following, kinds: Ints, barred: Flags) -> _Histories:
    """A history is two kinds of ids. It is the same as another if the same ids may follow, and the same may after one
    more."""
    rules = following.rules
    numbers = {(int(rules[0, 0]), rules[0].tobytes()): 0}
    after = []
    for _, last in (pairs := [(0, 0)]):  # grows meanwhile
        keys = [(int(rules[last, kind]), rules[kind].tobytes()) for kind in kinds]
        after.append([numbers.setdefault(key, len(numbers)) for key in keys])
        new = {number: (last, kind) for number, kind in zip(after[-1], kinds.tolist(), strict=True)}
        pairs += [new[number] for number in range(len(pairs), len(numbers))]
    return _Histories(barred[[rules[pair] for pair in pairs]], np.array(after, dtype=np.int32))


def _product(table: Table, columns: Indices, histories: _Histories, work: Work) -> Table:
    """The product's states are found breadth first, those that are as far from the start together."""
    count, groups = histories.barred.shape
    numbers = np.full(len(table.ends) * count, NONE, dtype=np.int32)
    numbers[0], found, pairs, rows = 0, 1, np.array([0]), []
    states: list[Indices] = []
    while pairs.size:
        states.append(pairs // count)
        work.spend(pairs.size * (1 + groups // 256))
        after = table.following[states[-1]][:, columns]
        taken = (after != NONE) & ~histories.barred[pairs % count]
        rows.append(np.where(taken, after.astype(np.int64) * count + histories.following[pairs % count], NONE))
        pairs = np.unique(rows[-1][taken])
        pairs = pairs[numbers[pairs] == NONE]
        numbers[pairs] = np.arange(found, found + pairs.size)
        if (found := found + pairs.size) > MAX_CONSTRUCTED:
            raise PatternTooLargeError("states before it is minimized", MAX_CONSTRUCTED)
        if found * groups > MAX_ENTRIES:
            raise PatternTooLargeError("entries in its table", MAX_ENTRIES)
    return Table(np.append(numbers, NONE)[np.concatenate(rows)].astype(np.int32), table.ends[np.concatenate(states)])
