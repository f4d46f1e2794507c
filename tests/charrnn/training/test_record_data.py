"""Training over records, for every task: it learns, and continues with the same bytes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest

from charrnn.checkpoint import Checkpoint
from charrnn.config import ModelConfig
from charrnn.marks import MarkedVocabulary
from charrnn.tasks.arrangement import Arrangement
from charrnn.tasks.record import Record
from charrnn.training.batches import RecordSteps
from charrnn.training.config import Budget, TrainingConfig
from charrnn.training.record_data import TrainingRecords
from charrnn.training.state import TrainingState
from charrnn.training.trainer import Trainer
from charrnn.vocabulary import Vocabulary
from tests.charrnn.training.brief import brief

WORDS = ["".join(chr(97 + (i * 7 + j * (i % 5)) % 6) for j in range(1 + i % 9)) for i in range(120)]
KINDS = ("first", "other", "second")


def records(arrangement: Arrangement) -> list[Record]:
    def label(word: str) -> str:
        return arrangement.labels[ord(word[0]) % len(arrangement.labels)]

    labels = [label(word) if arrangement.labels else None for word in WORDS]
    tags = [tuple(map(label, word)) if arrangement.task == "tag" else None for word in WORDS]
    return [Record(*each, word[::-1]) for each, word in zip(zip(WORDS, labels, tags, strict=True), WORDS, strict=True)]


def training_records(arrangement: Arrangement) -> TrainingRecords:
    vocabulary = arrangement.vocabulary(Vocabulary("abcdef"))
    assert isinstance(vocabulary, MarkedVocabulary)
    steps = arrangement.bound(vocabulary).steps(records(arrangement))
    ends = np.cumsum(steps.sizes)
    counted = np.add.reduceat(steps.targets >= 0, ends - steps.sizes)
    return TrainingRecords(
        RecordSteps(
            steps.inputs.astype(np.uint8),
            np.maximum(steps.targets, -1).astype(np.int8),
            np.concatenate([[0], ends]).astype(np.int64),
            counted.astype(np.int32),
        ),
        np.arange(len(steps.sizes)) % 10 == 3,
        vocabulary,
        arrangement,
        {"name": "words", "sha256": "0"},
    )


def trainer(arrangement: Arrangement, steps: int, state: TrainingState | None = None) -> Trainer:
    source = training_records(arrangement)
    sizes = {"hidden_size": 24, "output_size": arrangement.output_size(source.vocabulary)}
    config = ModelConfig(len(source.vocabulary), "gru", **sizes)
    training = TrainingConfig(Budget(steps=steps), segment_length=6, batch_size=16, learning_rate=0.02, dropout=0.1)
    return brief(config, training, source, state=state, clock=itertools.count().__next__)  # a report after every step


ARRANGEMENTS = [
    Arrangement("generate", "line", "\n"),
    Arrangement("generate", "line", "\n", KINDS),
    Arrangement("classify", "line", "\n", KINDS),
    Arrangement("classify", "line", "\n", KINDS[:2]),
    Arrangement("tag", "line", "\n", KINDS, delay=1),
    Arrangement("transduce", "separator", "|"),
]
NAMES = ["generate", "labels", "classify", "two labels", "tag", "transduce"]


def to_the_end(run: Trainer) -> Checkpoint:
    for _ in run.run():
        pass
    return run.checkpoint()


def losses(checkpoint: Checkpoint) -> Sequence[float]:
    return [each.validation_loss or 0 for each in checkpoint.record.evaluations]


@pytest.mark.parametrize("arrangement", ARRANGEMENTS, ids=NAMES)
def test_every_task_learns_and_its_record_says_what_it_was_trained_for(arrangement: Arrangement) -> None:
    checkpoint = to_the_end(trainer(arrangement, 120))
    first, last = losses(checkpoint)[0], losses(checkpoint)[-1]
    assert first == pytest.approx(math.log(checkpoint.config.outputs), abs=0.25)
    assert last < first / (1.8 if arrangement.writes_labels else 1.15)
    assert checkpoint.arrangement == arrangement
    assert checkpoint.record.json["records"] == {"training": 108, "validation": 12}
    assert (
        len(checkpoint.weights["output.bias"])
        == {3: 3, 2: 1, 0: 7}[len(arrangement.labels) if arrangement.writes_labels else 0]
    )


@pytest.mark.parametrize("arrangement", ARRANGEMENTS[1:4], ids=NAMES[1:4])
def test_a_run_that_is_interrupted_at_any_step_ends_with_the_same_bytes(arrangement: Arrangement) -> None:
    whole = to_the_end(trainer(arrangement, 40)).to_bytes()
    for stop in (1, 23):
        first = trainer(arrangement, 40)
        reports = first.run()
        while first.state().position.step < stop:
            next(reports)
        state = TrainingState.from_bytes(first.state().to_bytes())
        assert to_the_end(trainer(arrangement, 40, state)).to_bytes() == whole


def test_a_resume_point_of_another_task_does_not_fit() -> None:
    state = trainer(ARRANGEMENTS[0], 60).state()
    with pytest.raises(ValueError, match="another run's"):
        trainer(ARRANGEMENTS[4], 60, state)


def test_samples_begin_and_end() -> None:
    for arrangement in (ARRANGEMENTS[0], ARRANGEMENTS[5]):
        samples = [sample for report in trainer(arrangement, 60).run() for sample in report.samples]
        assert samples and all(len(sample.text) < 100 for sample in samples[-3:])
        assert {sample.prompt for sample in samples} == (
            {""} if arrangement.task == "generate" else {WORDS[3], WORDS[53], WORDS[113]}
        )
