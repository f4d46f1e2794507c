"""The arrangement of a model: its task, its unit and its labels, as its training record says; knows no weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np

from charrnn.marks import MarkedVocabulary
from charrnn.tasks.classify import Classify
from charrnn.tasks.generate import Generate
from charrnn.tasks.record import MAX_DELAY, MAX_LABEL, MAX_LABELS, MAX_SEPARATOR, SEPARATORS, UNITS, TaskName, Unit
from charrnn.tasks.tag import Tag
from charrnn.tasks.task import Task, joined
from charrnn.tasks.transduce import Transduce
from charrnn.vocabulary import Ids, Vocabulary

TASK_OF: Final[Mapping[TaskName, type[Task]]] = {task.name: task for task in (Generate, Classify, Tag, Transduce)}


@dataclass(frozen=True, eq=False, slots=True)
class Reading:
    """A text as an engine reads it: `ids` [n], of which the text's tokens are `count` many, from number `first` on.
    What the network says of a token is its output `offset` steps after it: what follows, or the label; None if it says
    nothing."""

    ids: Ids
    first: int
    count: int
    offset: int | None = 0


@dataclass(frozen=True)
class Arrangement:
    """`separator`: what stands between two records in a plain text (empty for the unit `text`); `labels`: in ascending
    order, a label's number is its index; `delay`: how many tokens later a tag is given.

    Raises ValueError for fields that do not fit together.
    """

    task: TaskName = "generate"
    unit: Unit = "text"
    separator: str = ""
    labels: tuple[str, ...] = ()
    delay: int = 0

    def __post_init__(self) -> None:
        if self.task not in TASK_OF or self.unit not in UNITS:
            raise ValueError(f"there is no task {self.task!r} or no unit {self.unit!r}")
        if self.unit == "text" and (not TASK_OF[self.task].writes_text or self.labels):
            raise ValueError(f"task {self.task} needs records: unit must be line, paragraph or separator, not text")
        if self.separator != SEPARATORS.get(self.unit, self.separator) or (self.unit != "text") != bool(self.separator):
            raise ValueError(f"the separator {self.separator!r:.60} is not that of the unit {self.unit}")
        if len(self.separator) > MAX_SEPARATOR:
            raise ValueError(f"the separator has {len(self.separator):,} characters, more than {MAX_SEPARATOR}")
        if len(self.labels) > MAX_LABELS or list(self.labels) != sorted(set(self.labels)):
            raise ValueError(f"labels must be distinct, ascending and at most {MAX_LABELS}")
        if wrong := [label for label in self.labels if not 0 < len(label) <= MAX_LABEL]:
            raise ValueError(f"a label must have 1 to {MAX_LABEL} characters, not {len(wrong[0]):,}")
        if self.delay not in range(MAX_DELAY + 1 if TASK_OF[self.task].delays else 1):
            raise ValueError(f"delay must be 0, or up to {MAX_DELAY} for task tag, not {self.delay} for {self.task}")
        if self.writes_labels and len(self.labels) < 2:
            raise ValueError(f"task {self.task} needs at least 2 labels, not {len(self.labels)}")

    @property
    def is_text(self) -> bool:
        """Whether there are no records: the model continues one endless text."""
        return self.unit == "text"

    @property
    def writes_labels(self) -> bool:
        """Whether the rows of the output layer stand for labels rather than for tokens."""
        return TASK_OF[self.task].rows == "labels"

    def vocabulary(self, tokens: Vocabulary) -> Vocabulary:
        """The vocabulary of a model with this arrangement, for texts of these tokens."""
        return tokens if self.is_text else MarkedVocabulary(tokens, TASK_OF[self.task].marks(len(self.labels)))

    def output_size(self, vocabulary: Vocabulary) -> int:
        """`ModelConfig.output_size`: a row for each token and the end, or for each label; for two labels one unit,
        whose sigmoid is the probability of the second."""
        if self.is_text:
            return 0
        if self.writes_labels:
            return len(self.labels) if len(self.labels) > 2 else 1
        return vocabulary.text_size + 1

    def bound(self, vocabulary: Vocabulary) -> Task:
        """The task with a model's vocabulary. Raises TypeError for the unit `text`, which has no records."""
        if not isinstance(vocabulary, MarkedVocabulary):
            raise TypeError("one endless text has no records")
        return TASK_OF[self.task](vocabulary, self.label_numbers, self.delay)

    def read(self, ids: Ids, vocabulary: Vocabulary, label: str | None = None) -> Ids:
        """What an engine reads of a text before its output, at least one id: for an endless text that is empty, the
        vocabulary's start. A label is read in place of a record's start. Raises KeyError for an unknown label."""
        if self.is_text:
            return ids if ids.size else np.array([vocabulary.start_id], dtype=np.int32)
        task = self.bound(vocabulary)
        found = task.read(ids)
        return found if label is None else joined(task.label_mark(label), found[1:])

    def scored(self, ids: Ids, vocabulary: Vocabulary) -> Ids:
        """What an engine reads of a text to score all of it: every id but the first counts. Those of a record are its
        tokens and its end; the first token of an endless text follows nothing."""
        if self.is_text:
            return ids
        task = self.bound(vocabulary)
        return joined(task.read(ids), task.vocabulary.boundary)

    def reading(self, ids: Ids, vocabulary: Vocabulary) -> Reading:
        """How an engine reads the tokens of a text, at least one, and where they are in what it reads."""
        if self.is_text:
            return Reading(ids, 0, ids.size)
        task = self.bound(vocabulary)
        return Reading(task.read(ids), task.begins, ids.size, None if task.separates else self.delay)

    @cached_property
    def label_numbers(self) -> dict[str, int]:
        """The number of each label."""
        return {label: number for number, label in enumerate(self.labels)}

    def as_dict(self) -> dict[str, Any]:
        """Its fields in a training record; empty for an endless text, as in all records before there were tasks."""
        if self.is_text:
            return {}
        return {
            "task": self.task,
            "unit": self.unit,
            "separator": self.separator,
            "labels": list(self.labels),
            "delay": self.delay,
        }

    def shown(self) -> dict[str, Any]:
        """What is shown of it, also of an endless text."""
        return {"task": self.task, "unit": self.unit, "labels": list(self.labels)}

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Arrangement:
        """The inverse of `as_dict`, from a whole training record. Raises ValueError, TypeError for fields that are not
        those of an arrangement."""
        if "task" not in record:
            return TEXT
        labels = record.get("labels", [])
        if not (isinstance(labels, list) and all(isinstance(label, str) for label in labels)):
            raise ValueError("labels must be a list of texts")
        delay = record.get("delay", 0)
        if type(delay) is not int:
            raise ValueError(f"delay must be an integer, not {delay!r}")
        return cls(record["task"], record.get("unit", "line"), record.get("separator", "\n"), tuple(labels), delay)


TEXT: Final = Arrangement()
"""One endless text."""
