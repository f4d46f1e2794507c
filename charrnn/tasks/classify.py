"""Many to one: a record is read, and its label is the output after its last token."""

from __future__ import annotations

from charrnn.tasks.record import Record
from charrnn.tasks.task import Steps, Task, ignored, joined
from charrnn.vocabulary import Ids


class Classify(Task):
    """The loss is that of the last step."""

    name = "classify"
    rows = "labels"
    needs = ("label",)

    def read(self, ids: Ids) -> Ids:
        """c1 … cn."""
        return ids

    def steps(self, record: Record) -> Steps:
        """Inputs: c1 … cn; target: the label, at the last."""
        assert record.label is not None
        ids = self.vocabulary.encode_all(record.text)
        return Steps(self.read(ids), joined(ignored(ids.size - 1), self.labels[record.label]))
