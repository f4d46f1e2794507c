"""A text laid out for truncated backpropagation through time: which part is held out, and streams cut into segments;
knows no network. A text is a sequence of ids, possibly a memory map; only the current segments are copied."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from charrnn.tasks.task import IGNORED
from charrnn.training.config import ValidationSplit

TextIds = npt.NDArray[np.integer[Any]]
Bounds = Sequence[tuple[int, int]]

MIN_VALIDATION: Final = 100
"""In tokens. A mean over fewer is meaningless, so nothing is held out of a text whose held-out part would be
smaller: its validation loss is null, and the weights of the last step are kept."""

BLOCKS: Final = 20
MIN_BLOCK: Final = 200
"""The number of held-out blocks, and their minimum length in tokens: each is read from a state of zeros, which
makes its first few tokens harder to predict."""


class Passages:
    """Passages of a text, in order, treated as one text: `bounds` has the start and end of each in `ids` (by default
    all of it). Only what is read is copied."""

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
        """The ids at these positions of the joined passages, [stop - start]; a view if they are within one passage."""
        first, last = bisect_right(self._ends, start), bisect_left(self._ends, stop)
        pieces = []
        for index in range(first, min(last, len(self.bounds) - 1) + 1):
            offset = self.bounds[index][0] - self._begins[index]
            pieces.append(self.ids[max(start, self._begins[index]) + offset : min(stop, self._ends[index]) + offset])
        return pieces[0] if len(pieces) == 1 else np.concatenate([self.ids[:0], *pieces])

    def begins(self, start: int, stop: int) -> list[int]:
        """Which of these positions begin a passage other than the first."""
        return self._begins[max(1, bisect_left(self._begins, start)) : bisect_left(self._begins, stop)]

    def spread(self, most: int) -> Passages:
        """The beginnings of all passages, in proportion to their lengths, at most `most` ids together."""
        share = min(1.0, most / max(1, len(self)))
        return Passages(self.ids, [(start, start + int((stop - start) * share)) for start, stop in self.bounds])

    @property
    def longest(self) -> int:
        """The length of the longest passage."""
        return max((stop - start for start, stop in self.bounds), default=0)

    def windows(self, length: int, count: int) -> TextIds:
        """Ids of `count` evenly spread windows, each within a passage, [count, length]; `length` must be at most
        `longest`."""
        counts = [max(0, stop - start - length + 1) for start, stop in self.bounds]  # possible starts in each passage
        ends = list(accumulate(counts))
        positions = np.linspace(0, ends[-1] - 1, count).astype(np.int64).tolist()
        windows = []
        for position in positions:
            index = bisect_right(ends, position)
            start = self.bounds[index][0] + position - (ends[index] - counts[index])
            windows.append(self.ids[start : start + length])
        return np.stack(windows)


def split(
    ids: TextIds, validation_fraction: float, segment_length: int, how: ValidationSplit = "blocks"
) -> tuple[Passages, Passages]:
    """The training part and the held-out part. The latter is, for `blocks`, the middle of each of BLOCKS equal shares
    of the text (fewer if blocks would be shorter than MIN_BLOCK), so that both parts have samples of the whole text;
    for `end` the end of the text. It depends only on the text's length and the fraction.

    Nothing is held out if that would be fewer than MIN_VALIDATION tokens, or would leave less than one complete
    segment to train on. Raises ValueError, naming how many tokens are needed, if the text has less than one
    complete segment and the token after it.
    """
    total = len(ids)
    if total <= segment_length:
        raise ValueError(
            f"the text has {total} tokens; at least {segment_length + 1} are needed"
            f" with segment_length {segment_length}"
        )
    # Rounded up: of tiny Shakespeare's 1,115,394 characters a tenth is 111,540, as in nanoGPT's split.
    count = math.ceil(total * validation_fraction)
    if count < MIN_VALIDATION or total - count <= segment_length:
        count = 0
    validation = held_out_of(ids, count, how)
    edges = [0, *(edge for block in validation.bounds for edge in block), total]
    return Passages(ids, list(zip(edges[::2], edges[1::2], strict=True))), validation


def held_out_of(ids: TextIds, count: int, how: ValidationSplit) -> Passages:
    """The held-out part of a text, given its number of tokens."""
    total = len(ids)
    return Passages(ids, [(total - count, total)] if how == "end" or not count else _blocks(total, count))


def _blocks(total: int, held_out_count: int) -> list[tuple[int, int]]:
    """The middle of each of several equal shares of `total` tokens, `held_out_count` tokens together."""
    count = max(1, min(BLOCKS, held_out_count // MIN_BLOCK))
    blocks = []
    for share, block in zip(_shares(total, count), _shares(held_out_count, count), strict=True):
        start = share.start + (len(share) - len(block)) // 2
        blocks.append((start, start + len(block)))
    return blocks


def _shares(total: int, count: int) -> list[range]:
    """The numbers below `total` as `count` ranges, whose lengths differ by at most one."""
    return [range(*edges) for edges in pairwise(total * i // count for i in range(count + 1))]


@dataclass(frozen=True, eq=False, slots=True)
class Segment:
    """What is read between two steps: `inputs` and `targets` [streams, t] int64, t at most segment_length; a target is
    the output that should be likeliest after its input, of a text the next token, or IGNORED; `tokens` how many are
    not. `fresh` [streams, t] is true where an input begins a passage or a record, and is read from a state of zeros.
    `read`: how many tokens it counts for in an epoch. `next_tokens` [streams, t], if targets are labels that are to be
    learned beside them: the tokens after the inputs, or IGNORED."""

    inputs: npt.NDArray[np.int64]
    targets: npt.NDArray[np.int64]
    fresh: npt.NDArray[np.bool_]
    read: int
    next_tokens: npt.NDArray[np.int64] | None = None

    @property
    def tokens(self) -> int:
        """How many tokens are predicted."""
        return int((self.targets != IGNORED).sum())

    @property
    def teaches(self) -> bool:
        """Whether weights are to be changed: not if only the beginnings of records are read, without a target."""
        return self.tokens > 0 or self.read == 0 or self.next_tokens is not None

    def stretches(self, rows: slice) -> list[tuple[slice, npt.NDArray[np.bool_]]]:
        """The columns, divided wherever a passage begins in one of the rows: (columns, which of the rows begin one)."""
        fresh = self.fresh[rows]
        edges = sorted({0, *np.flatnonzero(fresh.any(0)).tolist(), fresh.shape[1]})
        return [(slice(start, stop), fresh[:, start]) for start, stop in pairwise(edges)]


class Streams:
    """A text as contiguous streams that are read side by side, segment after segment.

    Reading all `segments` predicts every token exactly once, except the first of each passage; `tokens`, or
    `predicted`, is their number. The lengths of streams differ by at most one token, and so do those of segments: the
    last column of the last segment is masked where a stream has ended. There are `batch_size` streams, or as many as
    have a complete segment.
    """

    def __init__(self, text: TextIds | Passages, batch_size: int, segment_length: int) -> None:
        self._text = text if isinstance(text, Passages) else Passages(text)
        predicted = len(self._text) - 1
        self.streams = max(1, min(batch_size, predicted // segment_length))
        self._starts = [1 + predicted * b // self.streams for b in range(self.streams + 1)]
        self._length = -(-predicted // self.streams)
        self.segments = -(-self._length // segment_length)
        self.tokens = self.predicted = predicted + 1 - len(self._text.bounds)

    def segment(self, index: int) -> Segment:
        """The segment with this index, from 0 to segments - 1."""
        first = self._length * index // self.segments
        last = self._length * (index + 1) // self.segments
        starts = [start + first for start in self._starts[:-1]]
        ends = [min(start + last, end) for start, end in pairwise(self._starts)]
        return self._segment(starts, ends, last - first)

    def before(self, length: int) -> Segment:
        """The text before the second and all further streams, [streams - 1, length], up to the token before their
        first input; its targets are meaningless. A stream must be longer than that."""
        ends = [start - 1 for start in self._starts[1:-1]]
        return self._segment([end - length + 1 for end in ends], [end + 1 for end in ends], length)

    def _segment(self, starts: list[int], ends: list[int], columns: int) -> Segment:
        """A row for each of these ranges of targets, with the tokens before them as inputs."""
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
        return Segment(inputs, targets, fresh, int((targets != IGNORED).sum()))
