"""A text laid out for truncated backpropagation through time: which part is held out, and streams cut into segments;
knows no network. A text is a sequence of ids, possibly a memory map; only the segments in hand are ever copied."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from charrnn.training.config import ValidationSplit

TextIds = npt.NDArray[np.integer[Any]]
Bounds = Sequence[tuple[int, int]]

MIN_VALIDATION: Final = 100
"""Characters. A mean over fewer says nothing, so a text whose held-out part would be smaller has none, and says so:
its validation loss is null and the network of the last step is kept."""

BLOCKS: Final = 20
MIN_BLOCK: Final = 200
"""Characters. So many blocks are held out, or as many as are that long: each is read from a state of zeros, and its
first few characters are harder to predict for that."""

IGNORED: Final = -100
"""The target that torch's cross entropy leaves out."""


class Passages:
    """Stretches of a text, in its order and laid end to end: `bounds` says where in `ids` each begins and ends (all of
    it, unless said). Nothing is copied but what is read."""

    def __init__(self, ids: TextIds, bounds: Bounds | None = None) -> None:
        self.ids = ids
        self.bounds = [(start, stop) for start, stop in ([(0, len(ids))] if bounds is None else bounds) if start < stop]
        self._ends = list(accumulate(stop - start for start, stop in self.bounds))
        self._begins = [0, *self._ends[:-1]]

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __iter__(self) -> Iterator[TextIds]:
        """The ids of each passage, as views."""
        return (self.ids[start:stop] for start, stop in self.bounds)

    def read(self, start: int, stop: int) -> TextIds:
        """The ids at these positions of the whole, [stop - start]; a view where they are in one passage."""
        first, last = bisect_right(self._ends, start), bisect_left(self._ends, stop)
        pieces = []
        for index in range(first, min(last, len(self.bounds) - 1) + 1):
            offset = self.bounds[index][0] - self._begins[index]
            pieces.append(self.ids[max(start, self._begins[index]) + offset : min(stop, self._ends[index]) + offset])
        return pieces[0] if len(pieces) == 1 else np.concatenate([self.ids[:0], *pieces])

    def begins(self, start: int, stop: int) -> list[int]:
        """Which of these positions begin a passage that another one comes before."""
        return self._begins[max(1, bisect_left(self._begins, start)) : bisect_left(self._begins, stop)]

    def spread(self, most: int) -> Passages:
        """The beginnings of all passages, in proportion to their lengths, `most` ids together at most."""
        share = min(1.0, most / max(1, len(self)))
        return Passages(self.ids, [(start, start + int((stop - start) * share)) for start, stop in self.bounds])

    @property
    def longest(self) -> int:
        """The length of the longest passage."""
        return max((stop - start for start, stop in self.bounds), default=0)

    def windows(self, length: int, count: int) -> TextIds:
        """Ids of `count` stretches spread evenly, none of which reaches beyond its passage, [count, length]; `length`
        is `longest` at most."""
        rooms = [max(0, stop - start - length + 1) for start, stop in self.bounds]  # places to begin at
        ends = list(accumulate(rooms))
        places = np.linspace(0, ends[-1] - 1, count).astype(np.int64).tolist()
        windows = []
        for place in places:
            index = bisect_right(ends, place)
            start = self.bounds[index][0] + place - (ends[index] - rooms[index])
            windows.append(self.ids[start : start + length])
        return np.stack(windows)


def split(
    ids: TextIds, validation_fraction: float, segment_length: int, how: ValidationSplit = "blocks"
) -> tuple[Passages, Passages]:
    """The part that trains and the part that validates. That is, for `blocks`, the middle of each of BLOCKS equal
    shares of the text (of fewer, where blocks would be shorter than MIN_BLOCK), so that whatever the text has for
    long is on either side; for `end` the end of the text. It follows from the text's length and the fraction alone.

    Nothing is held out where that would be fewer than MIN_VALIDATION characters, or would leave not one whole segment
    to train on. Raises ValueError, naming how many characters are needed, when the whole text has not one whole
    segment: its characters and the one that follows them.
    """
    total = len(ids)
    if total <= segment_length:
        raise ValueError(
            f"the text has {total} characters; at least {segment_length + 1} are needed"
            f" with segment_length {segment_length}"
        )
    # Rounded up: of tiny Shakespeare's 1,115,394 characters a tenth is 111,540, as in nanoGPT's split.
    held_out = math.ceil(total * validation_fraction)
    if held_out < MIN_VALIDATION or total - held_out <= segment_length:
        held_out = 0
    validation = held_out_of(ids, held_out, how)
    edges = [0, *(edge for block in validation.bounds for edge in block), total]
    return Passages(ids, list(zip(edges[::2], edges[1::2], strict=True))), validation


def held_out_of(ids: TextIds, count: int, how: ValidationSplit) -> Passages:
    """The part of a text that validates where so many characters do."""
    total = len(ids)
    return Passages(ids, [(total - count, total)] if how == "end" or not count else _blocks(total, count))


def _blocks(total: int, held_out: int) -> list[tuple[int, int]]:
    """The middle of each of some equal shares of so many characters, `held_out` of them together."""
    count = max(1, min(BLOCKS, held_out // MIN_BLOCK))
    blocks = []
    for share, block in zip(_shares(total, count), _shares(held_out, count), strict=True):
        start = share.start + (len(share) - len(block)) // 2
        blocks.append((start, start + len(block)))
    return blocks


def _shares(total: int, count: int) -> list[range]:
    """So many numbers in `count` ranges, as long as one another but for one."""
    return [range(*edges) for edges in pairwise(total * i // count for i in range(count + 1))]


@dataclass(frozen=True, eq=False, slots=True)
class Segment:
    """What is read between two steps: `inputs` and `targets` [streams, t] int64, t at most segment_length; a target
    is the character after its input, or IGNORED; `characters` how many are not. `fresh` [streams, t] is true where an
    input begins a passage: nothing is known of what stands before it, so it is read from a state of zeros."""

    inputs: npt.NDArray[np.int64]
    targets: npt.NDArray[np.int64]
    fresh: npt.NDArray[np.bool_]

    @property
    def characters(self) -> int:
        """How many are predicted."""
        return int((self.targets != IGNORED).sum())

    def stretches(self, rows: slice) -> list[tuple[slice, npt.NDArray[np.bool_]]]:
        """The columns, cut where a passage begins in one of the rows: (columns, which of the rows begin one)."""
        fresh = self.fresh[rows]
        edges = sorted({0, *np.flatnonzero(fresh.any(0)).tolist(), fresh.shape[1]})
        return [(slice(start, stop), fresh[:, start]) for start, stop in pairwise(edges)]


class Streams:
    """A text as contiguous streams that are read side by side, segment after segment.

    Reading all `segments` predicts every character exactly once, save the first of each passage, which follows
    nothing; `characters` are that many. Streams differ in length by one character at most, segments as well (none is
    left over): the last column of the last segment is masked where a stream has ended. The streams are `batch_size`,
    or as many as have a whole segment.
    """

    def __init__(self, text: TextIds | Passages, batch_size: int, segment_length: int) -> None:
        self._text = text if isinstance(text, Passages) else Passages(text)
        predicted = len(self._text) - 1
        self.streams = max(1, min(batch_size, predicted // segment_length))
        self._starts = [1 + predicted * b // self.streams for b in range(self.streams + 1)]
        self._length = -(-predicted // self.streams)
        self.segments = -(-self._length // segment_length)
        self.characters = predicted + 1 - len(self._text.bounds)

    def segment(self, index: int) -> Segment:
        """The segment with this index, from 0 to segments - 1."""
        first = self._length * index // self.segments
        last = self._length * (index + 1) // self.segments
        starts = [start + first for start in self._starts[:-1]]
        ends = [min(start + last, end) for start, end in pairwise(self._starts)]
        return self._segment(starts, ends, last - first)

    def before(self, length: int) -> Segment:
        """What stands before the second and all further streams, [streams - 1, length], ending with the character
        before their first input; its targets mean nothing. A stream must be longer than that."""
        ends = [start - 1 for start in self._starts[1:-1]]
        return self._segment([end - length + 1 for end in ends], [end + 1 for end in ends], length)

    def _segment(self, starts: list[int], ends: list[int], columns: int) -> Segment:
        """A row for each of these ranges of targets, with the characters before them as inputs."""
        inputs = np.zeros((len(starts), columns), dtype=np.int64)
        targets = np.full_like(inputs, IGNORED)
        fresh = np.zeros(inputs.shape, dtype=np.bool_)
        for row, (start, end) in enumerate(zip(starts, ends, strict=True)):
            ids = self._text.read(start - 1, end)
            inputs[row, : end - start], targets[row, : end - start] = ids[:-1], ids[1:]
            for begin in self._text.begins(start - 1, end):
                if begin >= start:
                    targets[row, begin - start] = IGNORED
                if begin + 1 < end:
                    fresh[row, begin + 1 - start] = True
        return Segment(inputs, targets, fresh)
