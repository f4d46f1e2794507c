"""What a task is: which steps a record becomes, what counts in the loss, and what the output layer's rows stand for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence, Sized
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
    """What records become, one after the other: `inputs` [n] are read, each record's from a state of zeros; `targets`
    [n] are the rows of the output layer that should be likeliest after each, or IGNORED; `sizes` [records] says how
    many steps each record has."""

    inputs: Ids
    targets: Ids
    sizes: Ids


@dataclass(frozen=True, eq=False)
class Task(ABC):
    """One arrangement of inputs and outputs, a module of this folder each, with a vocabulary, the number of each label,
    and a delay in tokens.

    `rows`: what the rows of the output layer stand for, the text's tokens and then the boundary, or the labels;
    `needs` and `allows`: the fields of a record, beside the text, that must be there or may; `separates`: whether it
    has a mark for a separator; `reads_labels`: whether it has one for each label; `begins`: how many ids are read
    before the text's; `writes_text`: whether the text itself is what it learns to write, so that it can do without
    records, and tell how likely a text is; `one_target`: whether a record has a single target, at its last step;
    `delays`: whether its outputs may come some tokens later.
    """

    name: ClassVar[TaskName]
    rows: ClassVar[Literal["tokens", "labels"]]
    needs: ClassVar[tuple[str, ...]] = ()
    allows: ClassVar[tuple[str, ...]] = ()
    separates: ClassVar[bool] = False
    reads_labels: ClassVar[bool] = False
    begins: ClassVar[int] = 0
    writes_text: ClassVar[bool] = False
    one_target: ClassVar[bool] = False
    delays: ClassVar[bool] = False

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
    def steps(self, records: Sequence[Record]) -> Steps:
        """The steps of records. Raises KeyError for an unknown label, UnknownCharactersError."""

    def text_of(self, inputs: Ids) -> Ids:
        """The ids of a record's text, given what is read of all of it [n]."""
        ids = inputs[self.begins :]
        marks = np.flatnonzero(ids >= self.vocabulary.text_size)
        return ids[: marks[0]] if marks.size else ids

    def encoded(self, texts: Sequence[str]) -> Pieces:
        """The ids of texts to train on. Raises UnknownCharactersError."""
        if self.vocabulary.level == "char":  # all at once: a hundred times faster for short ones
            return Pieces(self.vocabulary.encode_all("".join(texts)), _sizes(texts))
        found = [self.vocabulary.encode_all(text) for text in texts]
        return Pieces(joined(*found), _sizes(found))

    def numbers(self, labels: Iterable[str | None]) -> Ids:
        """The numbers of labels, [n]. Raises KeyError."""
        return np.array([self.labels[label] for label in labels if label is not None], dtype=np.int32)

    def label_mark(self, label: str) -> int:
        """The id of a label. Raises KeyError."""
        return self.vocabulary.boundary + 1 + self.separates + self.labels[label]


@dataclass(frozen=True, eq=False, slots=True)
class Pieces:
    """Ids of several texts, one after the other: `ids` [n] and the `sizes` [texts] of the pieces."""

    ids: Ids
    sizes: Ids

    def put(self, array: Ids, starts: Ids) -> None:
        """Write each piece into the array, from its start [texts] on."""
        array[np.repeat(starts - starts_of(self.sizes), self.sizes) + np.arange(self.ids.size)] = self.ids


def starts_of(sizes: Ids) -> Ids:
    """Where each of several pieces of these sizes begins, if they stand one after the other."""
    return np.asarray(np.cumsum(sizes) - sizes, dtype=np.int32)


def joined(*pieces: Ids | int) -> Ids:
    """Ids, and arrays of ids, one after the other."""
    return np.concatenate([np.atleast_1d(np.asarray(piece, dtype=np.int32)) for piece in pieces])


def _sizes(pieces: Sequence[Sized]) -> Ids:
    return np.fromiter(map(len, pieces), np.int32, len(pieces))
