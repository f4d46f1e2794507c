"""Many to one: a record is read, and its label is the output after its last token."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from charrnn.tasks.record import Record
from charrnn.tasks.task import IGNORED, Steps, Task, starts_of
from charrnn.vocabulary import Ids


class Classify(Task):
    """The loss is that of the last step; training asks for it earlier as well (`charrnn.training.batches`)."""

    name = "classify"
    rows = "labels"
    needs = ("label",)
    one_target = True

    def read(self, ids: Ids) -> Ids:
        """c1 … cn."""
        return ids

    def steps(self, records: Sequence[Record]) -> Steps:
        """Inputs: c1 … cn; target: the label, at the last."""
        texts = self.encoded([record.text for record in records])
        targets = np.full(texts.ids.size, IGNORED, dtype=np.int32)
        targets[starts_of(texts.sizes) + texts.sizes - 1] = self.numbers(record.label for record in records)
        return Steps(texts.ids, targets, texts.sizes)
