"""Surveys the records of a corpus before a training: how many, their labels, lengths and characters, and whether a task
can be learned from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from charrnn.tasks.arrangement import TASK_OF
from charrnn.tasks.record import MAX_RECORD, Record, TaskName
from charrnn.vocabulary import codepoints
from service.training.errors import RecordsError
from service.training.records.format import RecordFormat
from service.training.records.reading import RecordReader, batches, records


@dataclass(frozen=True, eq=False)
class Survey:
    """`format`: as resolved; `labels`: of records, or tags of tokens, in ascending order, with their counts;
    `lengths[n]`: how many texts have n characters, and `targets[n]` the same of targets; `characters`: those of texts
    and targets, in ascending order; `skipped`: how many of the `rows` were passed over, the first of them with their
    `faults`."""

    format: RecordFormat
    records: int
    labels: Mapping[str, int]
    lengths: npt.NDArray[np.int64]
    targets: npt.NDArray[np.int64]
    characters: str
    rows: int
    skipped: int
    faults: tuple[str, ...]

    @property
    def total(self) -> int:
        """The characters of all texts and targets together."""
        return int((self.lengths + self.targets) @ np.arange(len(self.lengths)))

    @property
    def longest(self) -> int:
        """The length of the longest text or target, in characters."""
        return int(np.flatnonzero(self.lengths + self.targets)[-1])

    def quantile(self, share: float) -> int:
        """The length in characters that this share of the texts does not exceed."""
        return int(np.searchsorted(np.cumsum(self.lengths), max(1.0, share * self.records)))


def surveyed(
    path: Path,
    format: RecordFormat,
    task: TaskName,
    tokens: Callable[[str], int] = len,
    check: Callable[[], None] = lambda: None,
) -> Survey:
    """The survey of a stored text, UTF-8; `tokens` counts the tokens of a text, and `check` is called several times a
    second. Raises ValueError, RecordsError."""
    reader = records(path, format, task, tokens)
    counts = _Counts()
    for batch in batches(reader):
        check()
        counts.add(batch)
    found = counts.survey(reader)
    check_labels(found.labels, task)
    return found


class _Counts:
    """Counts over records, in memory that does not grow with them."""

    def __init__(self) -> None:
        self._labels: Counter[str] = Counter()
        self._lengths = np.zeros((2, MAX_RECORD + 1), np.int64)
        self._seen = np.zeros(0x110000, np.bool_)

    def add(self, batch: list[Record]) -> None:
        """Count these records too."""
        self._add_texts(self._lengths[0], [record.text for record in batch])
        self._add_texts(self._lengths[1], [record.target for record in batch if record.target is not None])
        self._labels.update(record.label for record in batch if record.label is not None)
        for record in batch:
            if record.tags is not None:
                self._labels.update(record.tags)

    def _add_texts(self, lengths: npt.NDArray[np.int64], texts: list[str]) -> None:
        if texts:
            found = np.bincount(np.fromiter(map(len, texts), np.int64, len(texts)))
            lengths[: len(found)] += found
            self._seen[codepoints("".join(texts))] = True

    def survey(self, reader: RecordReader) -> Survey:
        """The survey, after all records of the reader."""
        return Survey(
            format=reader.format,
            records=reader.rows - reader.skipped,
            labels=dict(sorted(self._labels.items())),
            lengths=self._lengths[0],
            targets=self._lengths[1],
            characters="".join(map(chr, np.flatnonzero(self._seen).tolist())),
            rows=reader.rows,
            skipped=reader.skipped,
            faults=tuple(map(str, reader.faults)),
        )


def check_labels(labels: Mapping[str, int], task: TaskName) -> None:
    """Raises RecordsError if there are no labels to choose from, or if one cannot be both learned and measured."""
    if TASK_OF[task].rows != "labels":
        return
    name = "label" if TASK_OF[task].one_target else "tag"
    if len(labels) < 2:
        only = repr(next(iter(labels)))[:60]
        raise RecordsError(f"task {task} needs at least 2 different {name}s, and all are {only}", None, "fields")
    single = [label for label, number in labels.items() if number == 1] if TASK_OF[task].one_target else []
    if single:
        shown = ", ".join(repr(label)[:60] for label in single[:10]) + (" …" if len(single) > 10 else "")
        message = f"task {task} needs at least 2 examples of each label, and there is one of {shown}"
        raise RecordsError(f"{message}: add examples, or remove such rows", None, "fields")
