"""Many to many, delayed: a record is read, then another one is written."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from charrnn.tasks.record import Record
from charrnn.tasks.task import IGNORED, Steps, Task, joined, starts_of
from charrnn.vocabulary import Ids


class Transduce(Task):
    """The loss is that of the second record and its end alone."""

    name = "transduce"
    rows = "tokens"
    needs = ("target",)
    separates = True

    def read(self, ids: Ids) -> Ids:
        """c1 … cn, separator."""
        return joined(ids, self.vocabulary.boundary + 1)

    def steps(self, records: Sequence[Record]) -> Steps:
        """Inputs: c1 … cn, separator, t1 … tm; targets, from the separator on: t1 … tm, end."""
        texts = self.encoded([record.text for record in records])
        written = self.encoded([record.target or "" for record in records])
        sizes = texts.sizes + 1 + written.sizes
        starts, boundary = starts_of(sizes), self.vocabulary.boundary
        inputs = np.full(sizes.sum(), boundary + 1, dtype=np.int32)
        targets = np.full(sizes.sum(), IGNORED, dtype=np.int32)
        texts.put(inputs, starts)
        written.put(inputs, starts + texts.sizes + 1)
        written.put(targets, starts + texts.sizes)
        targets[starts + sizes - 1] = boundary
        return Steps(inputs, targets, sizes)
