"""Language model over records, and one to many: from a start, or a label alone, to a record and its end."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from charrnn.tasks.record import Record
from charrnn.tasks.task import Steps, Task, joined, starts_of
from charrnn.vocabulary import Ids


class Generate(Task):
    """A label is read in place of the start; the loss is that of every token after it, the end included."""

    name = "generate"
    rows = "tokens"
    allows = ("label",)
    reads_labels = True
    begins = 1
    writes_text = True

    def read(self, ids: Ids) -> Ids:
        """Start, c1 … cn."""
        return joined(self.vocabulary.boundary, ids)

    def steps(self, records: Sequence[Record]) -> Steps:
        """Inputs: start, c1 … cn; targets: c1 … cn, end."""
        texts, boundary = self.encoded([record.text for record in records]), self.vocabulary.boundary
        sizes = texts.sizes + 1
        starts = starts_of(sizes)
        inputs, targets = (np.full(sizes.sum(), boundary, dtype=np.int32) for _ in range(2))
        labelled = np.array([record.label is not None for record in records])
        inputs[starts[labelled]] = boundary + 1 + self.numbers(record.label for record in records)
        texts.put(inputs, starts + 1)
        texts.put(targets, starts)
        return Steps(inputs, targets, sizes)
