"""Language model over records, and one to many: from a start, or a label alone, to a record and its end."""

from __future__ import annotations

from charrnn.tasks.record import Record
from charrnn.tasks.task import Steps, Task, joined
from charrnn.vocabulary import Ids


class Generate(Task):
    """A label is read in place of the start; the loss is that of every token after it, the end included."""

    name = "generate"
    rows = "tokens"
    allows = ("label",)
    reads_labels = True

    def read(self, ids: Ids) -> Ids:
        """Start, c1 … cn."""
        return joined(self.vocabulary.boundary, ids)

    def steps(self, record: Record) -> Steps:
        """Inputs: start, c1 … cn; targets: c1 … cn, end."""
        ids = self.vocabulary.encode_all(record.text)
        start = self.vocabulary.boundary if record.label is None else self.label_mark(record.label)
        return Steps(joined(start, ids), joined(ids, self.vocabulary.boundary))
