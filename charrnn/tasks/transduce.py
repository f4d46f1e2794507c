"""Many to many, delayed: a record is read, then another one is written."""

from __future__ import annotations

from charrnn.tasks.record import Record
from charrnn.tasks.task import Steps, Task, ignored, joined
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

    def steps(self, record: Record) -> Steps:
        """Inputs: c1 … cn, separator, t1 … tm; targets, from the separator on: t1 … tm, end."""
        assert record.target is not None
        ids, target = self.vocabulary.encode_all(record.text), self.vocabulary.encode_all(record.target)
        return Steps(joined(self.read(ids), target), joined(ignored(ids.size), target, self.vocabulary.boundary))
