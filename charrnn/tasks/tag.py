"""Many to many, step by step: every token of a record gets a label, possibly some steps later."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from charrnn.tasks.record import Record
from charrnn.tasks.task import IGNORED, Pieces, Steps, Task, joined, starts_of
from charrnn.vocabulary import Ids


class Tag(Task):
    """With a delay, a token's label is the output after the tokens that follow it have been read, so that they
    count."""

    name = "tag"
    rows = "labels"
    needs = ("tags",)
    delays = True

    def read(self, ids: Ids) -> Ids:
        """c1 … cn, and then a boundary for each token of the delay."""
        return joined(ids, np.full(self.delay, self.vocabulary.boundary, dtype=np.int32))

    def steps(self, records: Sequence[Record]) -> Steps:
        """Inputs: c1 … cn, `delay` boundaries; targets: `delay` ignored, then a label for each token."""
        texts = self.encoded([record.text for record in records])
        tags = Pieces(self.numbers(tag for record in records for tag in record.tags or ()), texts.sizes)
        sizes = texts.sizes + self.delay
        inputs = np.full(sizes.sum(), self.vocabulary.boundary, dtype=np.int32)
        targets = np.full(sizes.sum(), IGNORED, dtype=np.int32)
        texts.put(inputs, starts_of(sizes))
        tags.put(targets, starts_of(sizes) + self.delay)
        return Steps(inputs, targets, sizes)
