"""Many to many, step by step: every token of a record gets a label, possibly some steps later."""

from __future__ import annotations

import numpy as np

from charrnn.tasks.record import Record
from charrnn.tasks.task import Steps, Task, ignored, joined
from charrnn.vocabulary import Ids


class Tag(Task):
    """With a delay, a token's label is the output after the tokens that follow it have been read, so that they
    count."""

    name = "tag"
    rows = "labels"
    needs = ("tags",)

    def read(self, ids: Ids) -> Ids:
        """c1 … cn, and then a boundary for each token of the delay."""
        return joined(ids, np.full(self.delay, self.vocabulary.boundary, dtype=np.int32))

    def steps(self, record: Record) -> Steps:
        """Inputs: what is read; targets: `delay` ignored, then a label for each token."""
        assert record.tags is not None
        tags = np.array([self.labels[tag] for tag in record.tags], dtype=np.int32)
        ids = self.vocabulary.encode_all(record.text)
        return Steps(self.read(ids), joined(ignored(self.delay), tags))
