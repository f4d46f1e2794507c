"""Which records are read side by side: those of about the same length; knows no steps, only lengths.

Torch's recurrent layers read a block of columns at once, but cannot reset single rows within it. So the records that
are read side by side begin together: they are sorted by length, which is rounded up to one of its sixteenths, and
divided into groups of a row each. Nothing is padded to the longest record, only to the longest of its group. Short
groups share a segment, longer ones have several. Where the lengths of a group would differ too much (a few records
that are far longer than all others), each row has a list of records of its own instead, one after the other, each
beginning at a segment's first column.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]

MAX_RATIO: Final = 1.25
"""The longest record of a group of several segments may be this much longer than its shortest."""


@dataclass(frozen=True, eq=False, slots=True)
class Grouping:
    """How records, given in order of their rounded lengths, are divided; the same in every epoch.

    A block is read without an interruption; it has one or more segments. The first `groups` groups of `rows` places
    each are divided into blocks: block b has the groups `first[b]` to `first[b + 1]`, and `segments[b]` segments. If
    there are `chains`, they are the last block: [rows][segment] of (place, number of the record's segment).
    """

    rows: int
    groups: int
    first: list[int]
    segments: list[int]
    chains: list[list[tuple[int, int]]] = field(default_factory=list)


def rounded_up(lengths: Indices) -> Indices:
    """Each of the lengths, at least 1, rounded up to a multiple of about a sixteenth of it; up to 31 unchanged."""
    exponents = np.frexp(lengths.astype(np.float64))[1]  # 2 ** (exponent - 1) <= length < 2 ** exponent
    quantum = 1 << np.maximum(0, exponents - 5).astype(np.int64)
    return np.asarray(-(-lengths // quantum) * quantum, dtype=np.int64)


def grouped(lengths: Indices, rows: int, segment_length: int) -> Grouping:
    """Divide places, given their rounded lengths in ascending order."""
    edges = np.arange(0, lengths.size, rows)
    longest = lengths[np.minimum(edges + rows, lengths.size) - 1]
    uneven = (longest > segment_length) & (longest > MAX_RATIO * lengths[edges])
    groups = int(np.argmax(uneven)) if uneven.any() else edges.size
    first, segments, columns = [0], list[int](), 0
    for group, length in enumerate(longest[:groups].tolist()):
        if segments and columns + length <= segment_length:
            first[-1] = group + 1
            columns += length
        else:
            first.append(group + 1)
            segments.append(-(-length // segment_length))
            columns = length
    chains = _chains(lengths, groups * rows, rows, segment_length)
    if chains:
        segments.append(max(map(len, chains)))
    return Grouping(rows, groups, first, segments, chains)


def _chains(lengths: Indices, start: int, rows: int, segment_length: int) -> list[list[tuple[int, int]]]:
    """The places from `start` on, divided among rows: the longest first, each to the row that has least so far."""
    if start >= lengths.size:
        return []
    chains: list[list[tuple[int, int]]] = [[] for _ in range(rows)]
    shortest = [(0, row) for row in range(rows)]
    for place in range(lengths.size - 1, start - 1, -1):
        length, row = heapq.heappop(shortest)
        needed = -(-int(lengths[place]) // segment_length)
        chains[row] += [(place, number) for number in range(needed)]
        heapq.heappush(shortest, (length + needed, row))
    return chains
