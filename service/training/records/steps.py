"""The records of a corpus as the steps of a task, stored beside the text and memory-mapped, so that its size does not
matter; knows no training."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pydantic import TypeAdapter

from charrnn.checkpoint import Checkpoint
from charrnn.fingerprints import Fingerprints
from charrnn.marks import MarkedVocabulary, tokens_of
from charrnn.tasks.arrangement import Arrangement
from charrnn.tasks.record import TaskName
from charrnn.tasks.task import Task
from charrnn.training import record_split
from charrnn.training.batches import RecordSteps
from charrnn.vocabulary import Level, Vocabulary
from charrnn.wording import count
from charrnn.words import WordVocabulary, described, token_counter
from durable import files
from durable.drafts import draft_folder, put_new_folder, withdraw
from durable.entries import drop, is_there
from durable.reading import DamagedFileError, read_json
from service.training.corpora.corpus import Corpus
from service.training.corpora.store import CorpusStore
from service.training.errors import JobRequestError
from service.training.records.format import RecordFormat
from service.training.records.reading import RecordReader, text_of
from service.training.records.step_files import Check, Kinds, StepsWriter, mapped
from service.training.records.survey import Survey, surveyed

FORMAT: Final = 1
SUMMARY: Final = "records.json"
PREFIX: Final = "records-"
"""The beginning of a folder's name."""


@dataclass(frozen=True, slots=True)
class StepsOptions:
    """What is to be learned of a corpus: a task, with a delay for tags; how it is divided in records; what a token is;
    and the version that is continued, if any, whose vocabulary and labels come first."""

    task: TaskName
    format: RecordFormat
    level: Level = "char"
    delay: int = 0
    base: Checkpoint | None = None

    @property
    def key(self) -> str:
        """The name of the folder with the steps: the same for the same steps of a text."""
        base = None
        if self.base is not None:
            base = [self.base.vocabulary.description, self.base.arrangement.as_dict()]
        asked = [FORMAT, self.task, self.format.as_dict(), self.level, self.delay, base]
        return f"{PREFIX}{hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True)
class _Summary:
    """What the files of a folder are; earlier releases wrote no `digests`, SHA-256 in hexadecimal."""

    format: dict[str, Any]
    arrangement: dict[str, Any]
    vocabulary: Any
    characters: int
    rows: int
    skipped: int
    faults: tuple[str, ...]
    arrays: Kinds
    digests: dict[str, str] = field(default_factory=dict)


_SHAPE: Final = TypeAdapter(_Summary)


@dataclass(frozen=True, eq=False, slots=True)
class CorpusRecords:
    """The records of a corpus: their steps; the hash of each one's text, [records]; and the number of its label, or -1,
    [records]. `format` is the resolved one; `characters` those of all texts and targets; `skipped` of the `rows` were
    passed over, the first with these `faults`."""

    arrangement: Arrangement
    vocabulary: MarkedVocabulary
    format: RecordFormat
    steps: RecordSteps
    hashes: Fingerprints
    labels: npt.NDArray[np.int32]
    characters: int
    rows: int
    skipped: int
    faults: tuple[str, ...]

    @property
    def task(self) -> Task:
        """The task, with the vocabulary."""
        return self.arrangement.bound(self.vocabulary)

    def held_out(self, fraction: float) -> npt.NDArray[np.bool_]:
        """Which of the records are held out, [records]."""
        return record_split.held_out(self.hashes, fraction, self.labels - self.labels.min())

    @property
    def warnings(self) -> list[str]:
        """A sentence if rows were passed over."""
        if not self.skipped:
            return []
        return [f"{self.skipped:,} of {count(self.rows, 'row', ',')} were passed over: {'; '.join(self.faults)}"]

    @property
    def tokens(self) -> int:
        """The steps of all records together."""
        return len(self.steps.inputs)


def corpus_records(
    store: CorpusStore, corpus: Corpus, asked: StepsOptions, check: Check = lambda: None
) -> CorpusRecords:
    """The records of a corpus. They are written beside the text the first time; meanwhile `check` is called several
    times a second, and what it raises stops the work and leaves nothing behind.

    Raises CorpusNotFoundError, CorpusDamagedError, RecordsError, ValueError, and JobRequestError if the base does not
    suit.
    """
    folder = store.folder(corpus) / asked.key
    found = _mapped(folder)
    if found is None:
        if is_there(folder):
            drop(withdraw(folder))
        _write(store.verified(corpus, check), asked, folder, check)
        found = _mapped(folder)
        assert found is not None
    return found


def known_records(
    store: CorpusStore, corpus: Corpus, arrangement: Arrangement, vocabulary: Vocabulary
) -> CorpusRecords | None:
    """The records of a corpus as they were written for a version with this arrangement and vocabulary, if they are
    still there. Raises CorpusNotFoundError."""
    for folder in sorted(store.folder(corpus).glob(f"{PREFIX}*")):
        found = _mapped(folder)
        if found is not None and (found.arrangement, found.vocabulary) == (arrangement, vocabulary):
            return found
    return None


def _mapped(folder: Path) -> CorpusRecords | None:
    """The records in a folder; None if there are none, or if its files are damaged."""
    with suppress(OSError, ValueError, TypeError, KeyError, AttributeError, DamagedFileError):
        summary = read_json(folder / SUMMARY, _SHAPE)
        arrays = mapped(folder, summary.arrays, summary.digests)
        arrangement = Arrangement.of(summary.arrangement)
        vocabulary = arrangement.vocabulary(described(summary.vocabulary))
        assert isinstance(vocabulary, MarkedVocabulary)
        return CorpusRecords(
            arrangement=arrangement,
            vocabulary=vocabulary,
            format=RecordFormat.from_dict(summary.format),
            steps=RecordSteps(arrays["inputs"], arrays["targets"], arrays["bounds"], arrays["counted"]),
            hashes=arrays["hashes"],
            labels=arrays["labels"],
            characters=summary.characters,
            rows=summary.rows,
            skipped=summary.skipped,
            faults=summary.faults,
        )
    return None


def _write(path: Path, asked: StepsOptions, folder: Path, check: Check) -> None:
    count = token_counter(asked.level)
    survey = surveyed(path, asked.format, asked.task, count, check)
    own = _vocabulary(path, survey, asked.level, check)
    arrangement = _arrangement(asked, survey)
    vocabulary = arrangement.vocabulary(own if asked.base is None else tokens_of(asked.base.vocabulary).extended(own))
    assert isinstance(vocabulary, MarkedVocabulary)
    writer = StepsWriter(arrangement.bound(vocabulary), arrangement.output_size(vocabulary))
    with draft_folder(folder.parent) as new:
        arrays, digests = writer.write(new, RecordReader(text_of(path), survey.format, count), check)
        summary = _Summary(
            format=survey.format.as_dict(),
            arrangement=arrangement.as_dict(),
            vocabulary=vocabulary.description,
            characters=survey.total,
            rows=survey.rows,
            skipped=survey.skipped,
            faults=survey.faults,
            arrays=arrays,
            digests=digests,
        )
        files.put(new / SUMMARY, json.dumps(asdict(summary)).encode())
        try:
            put_new_folder(new, folder)
        except OSError:
            if not is_there(folder):  # else another worker was faster
                raise


def _vocabulary(path: Path, survey: Survey, level: Level, check: Check) -> Vocabulary:
    if level == "char":
        return Vocabulary(survey.characters)

    def texts() -> Iterator[str]:
        for record in RecordReader(text_of(path), survey.format, token_counter(level)):
            check()
            yield record.text
            if record.target is not None:
                yield record.target

    return WordVocabulary.of_records(texts())


def _arrangement(asked: StepsOptions, survey: Survey) -> Arrangement:
    """Raises JobRequestError if it is not that of the base."""
    format, labels = survey.format, tuple(survey.labels)
    unit, separator = format.record_unit, format.record_separator
    if asked.base is None:
        return Arrangement(asked.task, unit, separator, labels, asked.delay)
    base = asked.base.arrangement
    for name, found, wanted in (
        ("task", base.task, asked.task),
        ("unit", base.unit, unit),
        ("separator", repr(base.separator), repr(separator)),
    ):
        if found != wanted:
            raise JobRequestError(name, f"{name} must be {found}, as in the base, not {wanted}")
    if new := sorted({*labels} - {*base.labels}):
        shown = ", ".join(repr(label)[:60] for label in new[:5])
        raise JobRequestError("base", f"the base has no label {shown}: a version with other labels is a new model")
    return base
