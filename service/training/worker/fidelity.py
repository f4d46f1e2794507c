"""Measures how accurate the int8 engine is for a network that is about to be published, for its training record."""

from __future__ import annotations

import logging
from typing import Final

import numpy as np

from charrnn.checkpoint import Checkpoint
from charrnn.engine.fidelity import measure, measure_records
from charrnn.training.data import TrainingText
from charrnn.training.record_data import TrainingRecords
from charrnn.training.text import Passages
from charrnn.vocabulary import Ids

log = logging.getLogger(__name__)

MAX_CHARACTERS: Final = 50_000
"""The difference of two losses on the same text needs far fewer characters for a good estimate than the losses
themselves."""

MAX_PROBABILITIES: Final = 8_000_000
"""The maximum number of labels' probabilities in memory: with many labels, fewer steps are measured."""


def with_fidelity(checkpoint: Checkpoint, source: TrainingText | TrainingRecords, held_out: Passages) -> Checkpoint:
    """The checkpoint with `fidelity` in its record: the losses (nats per character, or per label) of the int8 and the
    float32 engine on some of the held-out text or records, of MAX_CHARACTERS together (if there are none, of all),
    their difference, and the precision that the version is to be served in."""
    if isinstance(source, TrainingText):
        sample = _sample(source, held_out)
        fidelity, size = measure(checkpoint, sample), len(sample)
    else:
        records = _some_records(source)
        fidelity, size = measure_records(checkpoint, records), sum(inputs.size for inputs, _ in records)
    if fidelity.precision == "float32":
        log.warning("int8 misses the network by %.4f nats per character: served in float32", fidelity.difference)
    measured = {
        "int8": fidelity.int8,
        "float32": fidelity.float32,
        "difference": fidelity.difference,
        "characters": size,
        "precision": fidelity.precision,
    }
    return checkpoint.with_record(checkpoint.record.updated(fidelity=measured))


def _sample(text: TrainingText, held_out: Passages) -> Ids:
    """Some of the held-out text (if there is none, of the whole text), without the unknown token."""
    some = (held_out if len(held_out) else Passages(text.ids)).spread(MAX_CHARACTERS)
    ids, unknown = some.read(0, len(some)), text.vocabulary.unknown_id
    known = ids if unknown is None else ids[ids != unknown]
    return np.asarray(known[:MAX_CHARACTERS], dtype=np.int32)


def _some_records(records: TrainingRecords) -> list[tuple[Ids, Ids]]:
    """Inputs and targets of some of the held-out records, in an order without meaning that is always the same, because
    a corpus may be sorted; of long ones the end. Targets that are the unknown token do not count."""
    held_out = np.flatnonzero(records.held_out if records.held_out.any() else np.ones_like(records.held_out))
    labels = len(records.arrangement.labels) if records.arrangement.writes_labels else 0
    most = min(MAX_CHARACTERS, MAX_PROBABILITIES // max(1, labels))
    unknown = None if labels else records.vocabulary.unknown_id
    steps, found, size = records.steps, [], 0
    for record in np.random.default_rng(0).permutation(held_out).tolist():
        start, stop = steps.bounds[record : record + 2].tolist()
        part = slice(max(start, stop - most + size), stop)
        inputs, targets = (np.asarray(array[part], dtype=np.int32) for array in (steps.inputs, steps.targets))
        found.append((inputs, targets if unknown is None else np.where(targets == unknown, -1, targets)))
        size += inputs.size
        if size >= most:
            break
    return found
