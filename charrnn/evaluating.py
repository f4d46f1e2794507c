"""How good a network is on records that it was not trained on, with the engine that serves it; knows no files."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt

from charrnn.checkpoint import Checkpoint
from charrnn.engine.base import Engine, Output, Sequence
from charrnn.sampling import SamplingParams
from charrnn.tasks.task import Steps
from charrnn.vocabulary import Ids, Vocabulary

WIDTH: Final = 64
"""How many records are read side by side."""
STEPS: Final = 64
"""Ids of each that are read between two calls of `check`."""
TOGETHER: Final = 512
"""How many records are read, and then turned into their targets: so that there is time for both."""
MOST_IN_MATRIX: Final = 200
"""With more labels there is no confusion matrix."""

Check = Callable[[], bool]
"""Returns False to end the evaluation with what there is, and may raise to stop all work."""

Counts = npt.NDArray[np.int64]
T = TypeVar("T")


def evaluate_records(
    checkpoint: Checkpoint, engine: Engine, records: Iterable[Steps], check: Check = lambda: True
) -> dict[str, Any] | None:
    """What is measured on the records, as plain JSON; None without any. Steps whose target is negative do not count.

    If labels are written: `compared` (how many labels, one a record or one a token), `accuracy`, `macro_f1` and
    `confusion`, for each right label how often each label was given. If texts are written: `tokens`, `loss` in nats per
    token, `bits_per_character`, the end counted as a token and a character; if they follow another text, also
    `exact_match`, the share that is written greedily as it is in the record. `check` may end it anywhere, so the order
    should be a mixed one.
    """
    measure = _labels if checkpoint.arrangement.writes_labels else _texts
    records_read, measured = measure(checkpoint, engine, records, check)
    return {"task": checkpoint.arrangement.task, "records": records_read, **measured} if records_read else None


def macro_f1(right: Counts, given: Counts, both: Counts) -> float:
    """The mean F1 of the labels that are right or given somewhere. For each label [labels]: how often it is `right`,
    how often it was `given`, how often `both`; F1 is 2 both / (right + given)."""
    occur = right + given > 0
    return float((2 * both[occur] / (right[occur] + given[occur])).mean()) if occur.any() else 0.0


def _labels(
    checkpoint: Checkpoint, engine: Engine, records: Iterable[Steps], check: Check
) -> tuple[int, dict[str, Any]]:
    count, read = len(checkpoint.arrangement.labels), 0
    right, given, both = np.zeros((3, count), dtype=np.int64)
    matrix = np.zeros((count, count), dtype=np.int64) if count <= MOST_IN_MATRIX else None
    sampling = SamplingParams(temperature=0, logprobs=1)
    asked = ((steps, Sequence(steps.inputs, 1, sampling, score=True)) for steps in records)
    for read, (steps, outputs) in enumerate(_answers(engine, asked, check), 1):  # noqa: B007 (its last value counts)
        counted = steps.targets >= 0
        targets, found = steps.targets[counted], _likeliest(outputs)[counted]
        right += np.bincount(targets, minlength=count)
        given += np.bincount(found, minlength=count)
        both += np.bincount(targets[targets == found], minlength=count)
        if matrix is not None:
            np.add.at(matrix, (targets, found), 1)
    return read, {
        "compared": int(right.sum()),
        "accuracy": int(both.sum()) / max(1, int(right.sum())),
        "macro_f1": macro_f1(right, given, both),
        "confusion": None if matrix is None else matrix.tolist(),
    }


def _likeliest(outputs: list[Output]) -> Ids:
    """The likeliest output after each step, [steps]."""
    found = [each for output in outputs for each in (output.prompt_logprobs, output.logprobs) if each is not None]
    return np.concatenate([each.top_ids[:, 0] for each in found])[1:]  # nothing was read before the first


def _texts(
    checkpoint: Checkpoint, engine: Engine, records: Iterable[Steps], check: Check
) -> tuple[int, dict[str, Any]]:
    found, equal, read = _Loss(checkpoint.vocabulary), list[bool](), 0
    separates, source = checkpoint.arrangement.bound(checkpoint.vocabulary).separates, iter(records)
    while some := list(islice(source, TOGETHER)):
        before, read = read, read + found.add_all(engine, some, check)
        if separates:
            equal += _equal(engine, some, checkpoint.vocabulary.end_id, check)
        if read < before + len(some):  # there is no more time
            break
    exact = {"exact_match": sum(equal) / len(equal) if equal else None} if separates else {}
    return read, found.as_dict() | exact


@dataclass(slots=True)
class _Loss:
    """The loss of targets, without the unknown token, which is never written."""

    vocabulary: Vocabulary
    nats: float = 0.0
    tokens: int = 0
    characters: int = 0

    def add_all(self, engine: Engine, records: Iterable[Steps], check: Check) -> int:
        """Count the targets of records, each of which is the next input, or the last; returns how many were read."""
        asked = ((steps, Sequence(np.append(steps.inputs, steps.targets[-1:]), 0, score=True)) for steps in records)
        read = 0
        for steps, outputs in _answers(engine, asked, check):
            (logprobs,) = (output.prompt_logprobs for output in outputs if output.prompt_logprobs is not None)
            self.add(steps.targets, logprobs.chosen[1:])
            read += 1
        return read

    def add(self, targets: Ids, logprobs: npt.NDArray[np.float32]) -> None:
        """Count the targets of a record [n] with their log-probabilities [n]."""
        counted = targets >= 0
        if self.vocabulary.unknown_id is not None:
            counted &= targets != self.vocabulary.unknown_id
        self.nats -= math.fsum(logprobs[counted].tolist())
        self.tokens += int(counted.sum())
        texts = self.vocabulary.tokens_of(targets[counted])
        self.characters += sum(len(text) or 1 for text in texts)

    def as_dict(self) -> dict[str, Any]:
        """The mean, in nats per token and in bits per character."""
        return {
            "tokens": self.tokens,
            "loss": self.nats / max(1, self.tokens),
            "bits_per_character": self.nats / math.log(2) / max(1, self.characters),
        }


def _equal(engine: Engine, records: Iterable[Steps], end_id: int | None, check: Check) -> Iterator[bool]:
    """Of each of the records, whether it is written greedily as it is; of fewer if there is no more time."""
    begun = ((steps.targets[steps.targets >= 0], steps) for steps in records)
    greedy = SamplingParams(temperature=0)
    asked = (
        (targets, Sequence(steps.inputs[: 1 + steps.inputs.size - targets.size], targets.size, greedy, end_id=end_id))
        for targets, steps in begun
    )
    for targets, outputs in _answers(engine, asked, check):
        yield np.array_equal(np.concatenate([output.ids for output in outputs]), targets)


def _answers(engine: Engine, asked: Iterable[tuple[T, Sequence]], check: Check) -> Iterator[tuple[T, list[Output]]]:
    """The outputs of each of the sequences, in the order in which they end; they are read side by side."""
    batch, source = engine.batch(WIDTH), iter(asked)
    reading: dict[int, tuple[T, list[Output]]] = {}
    while True:
        for about, sequence in islice(source, WIDTH - len(reading)):
            reading[batch.add(sequence)] = about, []
        if not reading or not check():
            return
        for output in batch.step(STEPS):
            reading[output.handle][1].append(output)
            if output.done:
                batch.remove(output.handle)
                yield reading.pop(output.handle)
