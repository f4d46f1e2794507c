"""A text laid out for truncated backpropagation through time: which part is held out, and streams cut into segments;
knows no network. A text is a sequence of ids, possibly a memory map; only the segments in hand are ever copied."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

TextIds = npt.NDArray[np.integer[Any]]

MIN_VALIDATION: Final = 100
"""Characters. A mean over fewer says nothing, so a text whose held-out part would be smaller has none, and says so:
its validation loss is null and the network of the last step is kept."""

IGNORED: Final = -100
"""The target that torch's cross entropy leaves out."""


def split(ids: TextIds, validation_fraction: float, segment_length: int) -> tuple[TextIds, TextIds]:
    """The part that trains and the part that validates, which is the text's end. Nothing is held out where that would
    be fewer than MIN_VALIDATION characters, or would leave not one whole segment to train on.

    Raises ValueError, naming how many characters are needed, when the whole text has not one whole segment: its
    characters and the one that follows them.
    """
    if len(ids) <= segment_length:
        raise ValueError(
            f"the text has {len(ids)} characters; at least {segment_length + 1} are needed"
            f" with segment_length {segment_length}"
        )
    # Rounded up: of tiny Shakespeare's 1,115,394 characters a tenth is 111,540, as in nanoGPT's split.
    held_out = math.ceil(len(ids) * validation_fraction)
    if held_out < MIN_VALIDATION or len(ids) - held_out <= segment_length:
        held_out = 0
    return ids[: len(ids) - held_out], ids[len(ids) - held_out :]


@dataclass(frozen=True, eq=False, slots=True)
class Segment:
    """What is read between two steps: `inputs` and `targets` [streams, t] int64, t at most segment_length; a target
    is the character after its input, or IGNORED; `characters` how many are not."""

    inputs: npt.NDArray[np.int64]
    targets: npt.NDArray[np.int64]
    characters: int


class Streams:
    """A text as contiguous streams that are read side by side, segment after segment.

    Reading all `segments` predicts every character exactly once, save the text's very first, which follows nothing.
    Streams differ in length by one character at most, segments as well (none is left over): the last column of the
    last segment is masked where a stream has ended. The streams are `batch_size`, or as many as have a whole segment.
    """

    def __init__(self, ids: TextIds, batch_size: int, segment_length: int) -> None:
        self._ids = ids
        predicted = len(ids) - 1
        self.streams = max(1, min(batch_size, predicted // segment_length))
        self._starts = [1 + predicted * b // self.streams for b in range(self.streams + 1)]
        self._length = -(-predicted // self.streams)
        self.segments = -(-self._length // segment_length)
        self.characters = predicted

    def segment(self, index: int) -> Segment:
        """The segment with this index, from 0 to segments - 1."""
        first = self._length * index // self.segments
        last = self._length * (index + 1) // self.segments
        inputs = np.zeros((self.streams, last - first), dtype=np.int64)
        targets = np.full_like(inputs, IGNORED)
        for b in range(self.streams):
            start, end = self._starts[b] + first, min(self._starts[b] + last, self._starts[b + 1])
            targets[b, : end - start] = self._ids[start:end]
            inputs[b, : end - start] = self._ids[start - 1 : end - 1]
        return Segment(inputs, targets, int((targets != IGNORED).sum()))

    def before(self, length: int) -> npt.NDArray[np.int64]:
        """What stands before the second and all further streams, [streams - 1, length], ending with the character
        before their first input. A stream must be longer than that."""
        windows = (self._ids[start - 1 - length : start - 1] for start in self._starts[1:-1])
        return np.array(list(windows), dtype=np.int64).reshape(self.streams - 1, length)
