"""Chooses the text for the search of a trained network's units: held-out text, if there is enough; knows no
networks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from charrnn.checkpoint import Checkpoint
from charrnn.interpretation.excerpt import PASSAGES, spans, trimmed
from charrnn.record import TrainingRecord
from charrnn.tasks.task import Task
from charrnn.training.batches import RecordSteps
from charrnn.training.text import Passages, TextIds, held_out_of
from charrnn.vocabulary import Vocabulary
from service.training.corpora.corpus import Corpus
from service.training.corpora.ids import ids
from service.training.corpora.store import CorpusStore
from service.training.errors import RecordsError
from service.training.records.format import RecordFormat
from service.training.records.step_files import Check
from service.training.records.steps import CorpusRecords, StepsOptions, corpus_records, known_records


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Parts of a text, or some records, and whether they are known to have been held out of the training."""

    texts: tuple[str, ...]
    is_held_out: bool


NOTHING: Final = Passages(np.zeros(0, dtype=np.uint8))


def excerpt_of(path: Path, held_out: Passages, vocabulary: Vocabulary, most: int, least: int) -> Excerpt:
    """Passages of at most `most` characters together of a corpus's held-out text, with ids of `vocabulary`; if they
    have fewer than `least`, they are taken from the whole text, the file at `path`."""
    texts = _held_out_texts(held_out, vocabulary, most)
    if sum(map(len, texts)) >= least:
        return Excerpt(texts, True)
    return Excerpt(_whole_texts(path, most), False)


def own_excerpt_of_records(
    version: Checkpoint, store: CorpusStore, corpus: Corpus, most: int, least: int, *, check: Check
) -> Excerpt | None:
    """The same for a version that learned records, of a corpus as it is divided for it; None if how is not known.
    `check` is called several times a second and may raise to stop the work. Raises CorpusNotFoundError,
    CorpusDamagedError, OSError."""
    record = version.record
    known = known_records(store, corpus, record.arrangement, version.vocabulary)
    found = known or _divided(version, store, corpus, check)
    if found is None:
        return None
    fraction = record.settings.get("validation_fraction")
    mask = np.zeros(len(found.hashes), np.bool_)
    if corpus.sha256 == record.corpus_sha256 and isinstance(fraction, float):
        mask = found.held_out(fraction)
    return excerpt_of_records(found.steps, mask, found.task, most, least)


def _divided(version: Checkpoint, store: CorpusStore, corpus: Corpus, check: Check) -> CorpusRecords | None:
    """The records of a corpus that this machine has not divided yet, if it is divided into records of the version's
    tokens and labels alone, in the way of the version's own training as far as that is known."""
    arrangement = version.arrangement
    separator = arrangement.separator if arrangement.unit == "separator" else None
    values = {"unit": arrangement.unit, "separator": separator, **version.record.corpus_format}
    try:
        format = RecordFormat.from_dict(values)
        asked = StepsOptions(arrangement.task, format, version.vocabulary.level, arrangement.delay, version)
        found = corpus_records(store, corpus, asked, check)
    except (RecordsError, ValueError):  # it is not made of such records
        return None
    return found if (found.arrangement, found.vocabulary) == (arrangement, version.vocabulary) else None


def excerpt_of_records(
    steps: RecordSteps, held_out: npt.NDArray[np.bool_], task: Task, most: int, least: int
) -> Excerpt:
    """Texts of records, spread over those that are `held_out` [records], of at most `most` tokens together; over all
    records if the held-out ones have fewer than `least` tokens."""
    is_held_out = int(steps.lengths[held_out].sum()) >= least
    records = np.flatnonzero(held_out) if is_held_out else np.arange(len(steps.lengths))
    count = max(1, int(most / max(1.0, float(steps.lengths[records].mean())))) if records.size else 0
    chosen = np.unique(np.linspace(0, records.size - 1, min(count, records.size)).astype(np.int64))
    bounds = [steps.bounds[record : record + 2].tolist() for record in records[chosen]]
    inputs = (np.asarray(steps.inputs[start:stop], dtype=np.int32) for start, stop in bounds)
    texts = (task.vocabulary.decode(task.text_of(ids)) for ids in inputs)
    return Excerpt(tuple(filter(None, texts)), is_held_out)


def own_held_out(record: TrainingRecord, vocabulary: Vocabulary, store: CorpusStore, corpus: Corpus) -> Passages:
    """The held-out text of the corpus that a version with this vocabulary was trained on. Raises
    CorpusNotFoundError."""
    try:
        known, token_ids = ids(store, corpus, vocabulary.level, vocabulary)
    except OSError:  # the ids were deleted, and the disk has no space for them
        return NOTHING
    return recorded_held_out(record, token_ids) if known == vocabulary else NOTHING


def recorded_held_out(record: TrainingRecord, token_ids: TextIds) -> Passages:
    """What was held out of the text that a version was trained on, according to its training record; nothing if it does
    not say."""
    count, split = record.held_out_count, record.validation_split
    if count is None or count > len(token_ids) or split is None:
        return NOTHING
    return held_out_of(token_ids, count, split)


def _held_out_texts(held_out: Passages, vocabulary: Vocabulary, most: int) -> tuple[str, ...]:
    """Text from enough of the passages, spread over all of them. A word has at least one character, so that somewhat
    too many tokens are read."""
    passages = held_out.bounds
    if not passages:
        return ()
    enough = max(PASSAGES, -(-most // max(1, len(held_out) // len(passages))))
    chosen = [passages[i * len(passages) // enough] for i in range(enough)] if enough < len(passages) else passages
    each = most // len(chosen)
    pieces = []
    for begin, end in chosen:
        for start, stop in spans(end - begin, each) if len(chosen) == 1 else [(0, min(each, end - begin))]:
            ids = np.asarray(held_out.ids[begin + start : begin + stop], dtype=np.int32)
            ends = begin + stop == len(held_out.ids)
            pieces.append(trimmed(vocabulary.decode(ids)[: stop - start], begins=begin + start == 0, ends=ends))
    return tuple(filter(None, pieces))


def _whole_texts(path: Path, most: int) -> tuple[str, ...]:
    size, pieces = path.stat().st_size, []
    with path.open("rb") as file:
        for start, stop in spans(size, most):
            file.seek(start)
            # A character that is cut at an end is left out.
            piece = file.read(stop - start).decode(errors="ignore")
            pieces.append(trimmed(piece, begins=start == 0, ends=stop == size))
    return tuple(filter(None, pieces))
