"""The smallest automaton of the same language, its states numbered by the language alone, and how far its ends are."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from charrnn.patterns.alphabet import Indices, by_first_occurrence
from charrnn.patterns.automaton import NONE, Automaton, Ints
from charrnn.patterns.bounds import Work
from charrnn.patterns.determinizing import Table

Neighbours = list[list[int]]
"""For each state, the states that one character leads to, or from which one leads to it."""


def minimized(table: Table, columns: Indices, work: Work) -> Automaton | None:
    """The smallest automaton over ids, of which each has the table's column `columns` [outputs] (NONE: it is never
    taken); None if no text fits. States are numbered breadth first from the start, by id: they depend on the language
    alone. Raises PatternTooLargeError."""
    table, classes = _merged(table, columns)
    tails, heads = _edges(table.following)
    ends = np.flatnonzero(table.ends).tolist()
    distances = _distances(_neighbours(heads, tails, len(table.ends)), ends, work)
    if distances[0] == NONE:
        return None
    alive = distances != NONE
    if not table.minimal:  # else there is nothing that is not reached
        alive &= _distances(_neighbours(tails, heads, len(table.ends)), [0], work) != NONE
    table, distances = _kept(table, alive), distances[alive]
    blocks = np.arange(len(distances)) if table.minimal else _blocks(table.following, distances, work)
    _, first = np.unique(blocks, return_index=True)
    quotient = Table(_renamed(table.following[first], blocks), table.ends[first])
    return _numbered(quotient, classes, distances[first], int(blocks[0]), work)


def _merged(table: Table, columns: Indices) -> tuple[Table, Ints]:
    """Only the columns that ids have, without equal ones, in the order of the first id of each."""
    following = np.column_stack([table.following, np.full(len(table.ends), NONE, dtype=np.int32)])
    used, first = by_first_occurrence(np.ascontiguousarray(columns.astype(np.int64)[:, None]).view(np.uint8))
    kept = following[:, columns[first]]
    merged, firsts = by_first_occurrence(np.ascontiguousarray(kept.T).view(np.uint8))
    return Table(kept[:, firsts], table.ends, table.minimal), merged[used].astype(np.int32)


def _edges(following: Ints) -> tuple[Indices, Indices]:
    """From which state one character leads to which, each pair once: [edges] and [edges], ascending."""
    states, classes = following.shape
    at = np.flatnonzero(following != NONE)
    pairs = np.unique(at // classes * states + following.ravel()[at])
    return pairs // states, pairs % states


def _neighbours(tails: Indices, heads: Indices, states: int) -> Neighbours:
    order = np.argsort(tails, kind="stable")
    ends = np.cumsum(np.bincount(tails, minlength=states)).tolist()
    found = heads[order].tolist()
    return [found[start:end] for start, end in pairwise([0, *ends])]


def _distances(neighbours: Neighbours, sources: list[int], work: Work) -> Ints:
    """How many steps each state is away from the nearest source; NONE if it cannot be reached."""
    distances = [NONE] * len(neighbours)
    for source in sources:
        distances[source] = 0
    queue = [*sources]
    for state in queue:  # grows meanwhile
        work.spend(1)
        for other in neighbours[state]:
            if distances[other] == NONE:
                distances[other] = distances[state] + 1
                queue.append(other)
    return np.array(distances, dtype=np.int32)


def _kept(table: Table, alive: npt.NDArray[np.bool_]) -> Table:
    """Without the other states; the start is the first that is kept."""
    numbers = np.where(alive, np.cumsum(alive) - 1, NONE)
    return Table(_renamed(table.following[alive], numbers), table.ends[alive], table.minimal)


def _renamed(following: Ints, numbers: npt.NDArray[np.int64]) -> Ints:
    """With another number for each state."""
    return np.append(numbers, NONE)[following].astype(np.int32)  # NONE is the last index


def _blocks(following: Ints, distances: Ints, work: Work) -> npt.NDArray[np.int64]:
    """Which states are equivalent: the block of each state [states], after Hopcroft (1971).

    All states are in one block that are equally far from an end; then blocks are split as long as one character leads
    from one of them to several. The largest part keeps the block's number, so only states need another look from which
    a character leads to one of the others, and each gets few.
    """
    tails, heads = _edges(following)
    before = _neighbours(heads, tails, len(distances))
    numbered = np.append(np.unique(distances, return_inverse=True)[1], NONE)  # NONE leads to its last entry
    blocks: list[set[int]] = [set() for _ in range(numbered.max() + 1)]
    for state, number in enumerate(numbered[:-1].tolist()):
        blocks[number].add(state)
    affected = list(range(len(distances)))
    while affected:
        work.spend(len(affected))
        changed: list[int] = []
        for number, part in _smaller_parts(following, numbered, blocks, affected):
            blocks[number].difference_update(part)
            numbered[part] = len(blocks)
            blocks.append(set(part))
            changed += part
        affected = list({other for state in changed for other in before[state]})
    return numbered[:-1]


def _smaller_parts(
    following: Ints, numbered: Indices, blocks: list[set[int]], affected: list[int]
) -> list[tuple[int, list[int]]]:
    """The parts of blocks that are to leave them, with the block: all but the largest part of each."""
    rows = np.ascontiguousarray(np.column_stack([numbered[affected], numbered[following[affected]]]))
    found: dict[int, dict[bytes, list[int]]] = defaultdict(lambda: defaultdict(list))
    for state, number, row in zip(affected, rows[:, 0].tolist(), rows, strict=True):
        found[number][row.tobytes()].append(state)
    return [(number, part) for number, parts in found.items() for part in _leaving(blocks[number], [*parts.values()])]


def _leaving(block: set[int], parts: list[list[int]]) -> list[list[int]]:
    """All but the largest of some parts of a block and of the part that is left, whose characters lead where they
    did."""
    left = len(block) - sum(map(len, parts))
    parts.sort(key=len)
    if left < len(parts[-1]):
        largest = parts.pop()
        if left:
            parts.append(list(block.difference(largest, *parts)))
    return parts


def _numbered(table: Table, classes: Ints, distances: Ints, start: int, work: Work) -> Automaton:
    """With the states in the order in which a search in breadth finds them."""
    numbers = {start: 0}
    order = [start]
    for state in order:  # grows meanwhile
        work.spend(2)
        for other in dict.fromkeys(table.following[state].tolist()):
            if other != NONE and other not in numbers:
                numbers[other] = len(order)
                order.append(other)
    renamed = np.full(len(distances), NONE)
    renamed[order] = np.arange(len(order))
    table = Table(_renamed(table.following[order], renamed), table.ends[order])
    table, classes = _merged(table, classes.astype(np.int64))
    return Automaton(table.following, classes, distances[order])
