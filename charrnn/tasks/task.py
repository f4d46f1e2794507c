"""What a task is: which steps a record becomes, what counts in the loss, and what the output layer's rows stand for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final, Literal

import numpy as np

from charrnn.marks import MarkedVocabulary
from charrnn.tasks.record import Record, TaskName
from charrnn.vocabulary import Ids

IGNORED: Final = -100
"""The target of a step that does not count in the loss; torch's cross entropy ignores it."""


@dataclass(frozen=True, eq=False, slots=True)
class Steps:
    """What a record becomes: `inputs` [n] are read one after the other, from a state of zeros; `targets` [n] are the
    rows of the output layer that should be likeliest after each, or IGNORED."""

    inputs: Ids
    targets: Ids


@dataclass(frozen=True, eq=False)
class Task(ABC):
    """One arrangement of inputs and outputs, a module of this folder each, with a vocabulary, the number of each label,
    and a delay in tokens.

    `rows`: what the rows of the output layer stand for, the text's tokens and then the boundary, or the labels;
    `needs` and `allows`: the fields of a record, beside the text, that must be there or may; `separates`: whether it
    has a mark for a separator; `reads_labels`: whether it has one for each label.
    """

    name: ClassVar[TaskName]
    rows: ClassVar[Literal["tokens", "labels"]]
    needs: ClassVar[tuple[str, ...]] = ()
    allows: ClassVar[tuple[str, ...]] = ()
    separates: ClassVar[bool] = False
    reads_labels: ClassVar[bool] = False

    vocabulary: MarkedVocabulary
    labels: Mapping[str, int] = field(default_factory=dict)
    delay: int = 0

    @classmethod
    def marks(cls, labels: int) -> int:
        """How many ids it needs beyond the text's tokens, with this many labels: the boundary, then a separator or the
        labels."""
        return 1 + cls.separates + labels * cls.reads_labels

    @abstractmethod
    def read(self, ids: Ids) -> Ids:
        """What is read of a record, or of the beginning of one, before the output is complete."""

    @abstractmethod
    def steps(self, record: Record) -> Steps:
        """The steps of a record. Raises KeyError for an unknown label, UnknownCharactersError."""

    def label_mark(self, label: str) -> int:
        """The id of a label. Raises KeyError."""
        return self.vocabulary.boundary + 1 + self.separates + self.labels[label]


def ignored(n: int) -> Ids:
    """n targets that do not count."""
    return np.full(n, IGNORED, dtype=np.int32)


def joined(*pieces: Ids | int) -> Ids:
    """Ids, and arrays of ids, one after the other."""
    return np.concatenate([np.atleast_1d(np.asarray(piece, dtype=np.int32)) for piece in pieces])
