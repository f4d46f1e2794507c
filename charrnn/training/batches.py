"""Records read side by side, divided as `charrnn.training.grouping` says, from a state of zeros each, cut into segments
of truncated backpropagation through time; knows no network.

An epoch's order is a function of (seed, epoch): blocks are shuffled, and so are records of the same rounded length.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from charrnn.splitmix import GAMMA, mixed
from charrnn.tasks.task import IGNORED
from charrnn.training.grouping import Indices, grouped, rounded_up
from charrnn.training.text import Segment

WITHOUT_LABEL: Final = 8
"""One record of this many, another one in each epoch, begins with the boundary in place of its label, so that the
network can be read without a label too."""

HIDDEN: Final = 0.1
"""The share of the tokens, others in each epoch, in whose place the boundary is read when a record's label is to be
learned: a network that has to do without any one of them remembers more than the few that tell most records apart."""

ASKED: Final = 16
"""One step of this many, others in each epoch, has the target of the last one as well, but none of the first so many,
after which it often cannot be known. Truncated backpropagation from the last step reaches only the last segment."""

ORDERING, SHUFFLING, HIDING, ASKING = PURPOSES = range(4)
"""What random numbers are for."""


@dataclass(frozen=True, eq=False, slots=True)
class RecordSteps:
    """The steps of all records (`charrnn.tasks`), one record after the other, possibly memory maps.

    `inputs` [steps] unsigned; `targets` [steps] signed, -1 where a step does not count; record i has the steps
    `bounds[i]` to `bounds[i + 1]`, [records + 1], and `counted[i]` targets, [records].
    """

    inputs: npt.NDArray[np.integer[Any]]
    targets: npt.NDArray[np.integer[Any]]
    bounds: Indices
    counted: npt.NDArray[np.integer[Any]]

    @property
    def lengths(self) -> Indices:
        """How many steps each record has, [records]; computed anew for all of them."""
        return np.asarray(np.diff(self.bounds))

    def lengths_of(self, records: Indices) -> Indices:
        """How many steps these records have, [n]."""
        return np.asarray(self.bounds[records + 1] - self.bounds[records])


@dataclass(frozen=True, eq=False, slots=True)
class _Piece:
    """What some columns of a segment read: of each row the record (-1: none) and its first step there, [rows]."""

    records: Indices
    offsets: Indices
    columns: int


class RecordBatches:
    """Records as `streams` rows that are read side by side, segment after segment.

    Reading all `segments` of an epoch reads each of the records `which` [n] once: `tokens` inputs, of which `predicted`
    have a target. `boundary`: the id read in place of one label in WITHOUT_LABEL; None if no labels are read.
    `hidden_as`, if records have one target each: the id read in place of a HIDDEN share of their tokens, while one of
    ASKED steps has the target too, and segments have next tokens; None if records are read as they are.
    """

    def __init__(
        self,
        steps: RecordSteps,
        which: Indices,
        batch_size: int,
        segment_length: int,
        *,
        seed: int = 0,
        boundary: int | None = None,
        hidden_as: int | None = None,
    ) -> None:
        self._steps = steps
        self._which = which
        self._segment_length = segment_length
        self._seed = seed
        self._boundary = boundary
        self._hidden_as = hidden_as
        lengths = steps.lengths_of(which)
        self._rounded = rounded_up(lengths)
        self.streams = max(1, min(batch_size, which.size))
        self._grouping = grouped(np.sort(self._rounded), self.streams, segment_length)
        self.segments = sum(self._grouping.segments)
        self.tokens = int(lengths.sum())
        self.predicted = int(steps.counted[which].sum(dtype=np.int64))
        self._epoch = lru_cache(maxsize=1)(self._ordered)

    def segment(self, index: int, epoch: int = 0) -> Segment:
        """The segment with this index, from 0 to segments - 1."""
        order, blocks, ends = self._epoch(epoch)
        position = int(np.searchsorted(ends, index, side="right"))
        block = int(blocks[position])
        part = index - int(ends[position]) + self._grouping.segments[block]
        return self._read(self._pieces(order, block, part), epoch)

    def _ordered(self, epoch: int) -> tuple[Indices, Indices, Indices]:
        """An epoch: the records in order of their rounded lengths, the blocks in the order in which they are read, and
        how many segments are read by the end of each."""
        keys = _hashes(self._seed, epoch, np.arange(self._which.size), ORDERING)
        order = self._which[np.lexsort((keys, self._rounded))]
        segments = np.array(self._grouping.segments, dtype=np.int64)
        blocks = np.argsort(_hashes(self._seed, epoch, np.arange(segments.size), SHUFFLING), kind="stable")
        return order, blocks, np.cumsum(segments[blocks])

    def _pieces(self, order: Indices, block: int, part: int) -> list[_Piece]:
        grouping = self._grouping
        if block == len(grouping.first) - 1:  # beyond the blocks of groups
            placed = [chain[part] if part < len(chain) else (-1, 0) for chain in grouping.chains]
            records = np.array([order[place] if place >= 0 else -1 for place, _ in placed], dtype=np.int64)
            offsets = np.array([number * self._segment_length for _, number in placed], dtype=np.int64)
            return [self._piece(records, offsets, self._segment_length)]
        pieces = []
        for group in range(grouping.first[block], grouping.first[block + 1]):
            records = np.full(grouping.rows, -1, dtype=np.int64)
            found = order[group * grouping.rows : (group + 1) * grouping.rows]
            records[: found.size] = found
            width = -(-int(rounded_up(self._steps.lengths_of(found)).max()) // grouping.segments[block])
            pieces.append(self._piece(records, np.full(grouping.rows, part * width, dtype=np.int64), width))
        return pieces

    def _piece(self, records: Indices, offsets: Indices, most: int) -> _Piece:
        """With as many columns as any of the rows needs, at least 1 and at most `most`."""
        return _Piece(records, offsets, int(np.clip(self._left(records, offsets).max(), 1, most)))

    def _read(self, pieces: list[_Piece], epoch: int) -> Segment:
        found = [self._columns(piece, epoch) for piece in pieces]
        inputs, targets, fresh = (np.concatenate(arrays, 1) for arrays in zip(*found, strict=True))
        read = sum(int(np.clip(self._left(piece.records, piece.offsets), 0, piece.columns).sum()) for piece in pieces)
        next_tokens = None
        if self._hidden_as is not None:
            next_tokens = np.concatenate([self._next_tokens(piece) for piece in pieces], 1)
        return Segment(inputs, targets, fresh, read, next_tokens)

    def _next_tokens(self, piece: _Piece) -> Indices:
        """What follows each input of the records, [rows, columns], none of it hidden; IGNORED after the last."""
        steps, columns = self._steps, np.arange(1, piece.columns + 1)
        there = columns < self._left(piece.records, piece.offsets)[:, None]
        source = np.where(there, (steps.bounds[piece.records] + piece.offsets)[:, None] + columns, 0)
        return np.where(there, steps.inputs[source].astype(np.int64), IGNORED)

    def _left(self, records: Indices, offsets: Indices) -> Indices:
        """How many steps of each record there are from its offset on, [rows]; not more than 0 if there are none."""
        return np.where(records >= 0, self._steps.lengths_of(records), 0) - offsets

    def _columns(self, piece: _Piece, epoch: int) -> tuple[Indices, Indices, npt.NDArray[np.bool_]]:
        steps, columns = self._steps, np.arange(piece.columns)
        there = columns < self._left(piece.records, piece.offsets)[:, None]  # [rows, columns]
        source = np.where(there, (steps.bounds[piece.records] + piece.offsets)[:, None] + columns, 0)
        inputs = steps.inputs[source].astype(np.int64)
        targets = steps.targets[source].astype(np.int64)
        if self._hidden_as is not None:
            inputs[_hashes(self._seed, epoch, source, HIDING) < HIDDEN * 2.0**64] = self._hidden_as
            asked = _hashes(self._seed, epoch, source, ASKING) < 2.0**64 / ASKED
            asked &= piece.offsets[:, None] + columns >= ASKED
            last = steps.targets[steps.bounds[piece.records + 1] - 1].astype(np.int64)
            targets = np.where(asked, last[:, None], targets)
        inputs[~there] = 0
        targets[~there | (targets < 0)] = IGNORED
        fresh = np.zeros(there.shape, dtype=np.bool_)
        fresh[:, 0] = piece.offsets == 0
        if self._boundary is not None:
            inputs[fresh[:, 0] & ((piece.records + epoch) % WITHOUT_LABEL == 0), 0] = self._boundary
        return inputs, targets, fresh


def _hashes(seed: int, epoch: int, numbers: Indices, purpose: int) -> npt.NDArray[np.uint64]:
    """A random number for each of the numbers, the same for the same seed, epoch and purpose."""
    stream = np.array([len(PURPOSES) * epoch + purpose + 1], dtype=np.uint64)
    start = mixed(np.array([seed], dtype=np.uint64)) ^ mixed(stream)
    return mixed(start + (numbers + 1).astype(np.uint64) * GAMMA)
