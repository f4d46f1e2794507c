"""What text a finished network is searched along, and what a version was not trained on."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.record import TrainingRecord
from charrnn.tasks.arrangement import TASK_OF, Arrangement
from charrnn.tasks.record import TASKS, Record, TaskName
from charrnn.training.batches import RecordSteps
from charrnn.training.config import VALIDATION_SPLITS, ValidationSplit
from charrnn.training.text import Passages, split
from charrnn.vocabulary import Level, Vocabulary
from charrnn.words import WordVocabulary
from service.training.excerpts import Excerpt, excerpt_of, excerpt_of_records, recorded_held_out

LINES = st.lists(st.text(alphabet="aé中😀 ", max_size=30), min_size=1, max_size=200)


@given(
    LINES, st.sampled_from(VALIDATION_SPLITS), st.integers(8, 400), st.integers(1, 50), st.sampled_from(get_args(Level))
)
def test_what_is_reported_as_held_out_is_held_out(
    tmp_path_factory: pytest.TempPathFactory,
    lines: list[str],
    how: ValidationSplit,
    most: int,
    least: int,
    level: Level,
) -> None:
    text = "\n".join([*lines, "a"])
    path = tmp_path_factory.mktemp("corpus") / "text.txt"
    path.write_text(text, encoding="utf-8", newline="")
    vocabulary: Vocabulary = Vocabulary.of([text]) if level == "char" else WordVocabulary.of([text])
    ids = vocabulary.encode(text)
    held_out = split(ids, 0.3, 1, how)[1] if len(ids) > 1 else Passages(ids, [])
    excerpt = excerpt_of(path, held_out, vocabulary, most, least)
    found = "".join(excerpt.texts)
    assert len(found) <= most and all(excerpt.texts)
    whole = vocabulary.decode(held_out.read(0, len(held_out)).astype(np.int32))
    if excerpt.is_held_out:
        assert len(found) >= least
        assert set(found) <= set(whole)
        assert most < len(whole) or len(found) >= len(whole) / 2
    else:
        assert set(found) <= set(text)


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"training": 3, "characters": "many"},
        {"characters": {"validation": 5001}},
        {"characters": {"validation": -1}},
        {"characters": {"validation": None}},
        {"characters": {"validation": 9}, "training": {"validation_split": "middle"}},
    ],
)
def test_a_record_that_does_not_say_what_was_held_out(record: dict[str, Any]) -> None:
    assert len(recorded_held_out(TrainingRecord(record), np.zeros(5000, dtype=np.uint8))) == 0


def test_a_record_from_before_there_were_blocks_means_the_end() -> None:
    for record in ({}, {"training": {"budget": {"steps": 1}}}):
        known = TrainingRecord({**record, "characters": {"validation": 500}})
        held_out = recorded_held_out(known, np.zeros(5000, dtype=np.uint8))
        assert held_out.bounds == [(4500, 5000)]


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("labels", [(), ("x", "y")])
def test_records_of_an_excerpt_are_texts_without_marks(name: TaskName, labels: tuple[str, ...]) -> None:
    labels = ("x", "y") if TASK_OF[name].rows == "labels" else labels
    arrangement = Arrangement(name, "line", "\n", labels, delay=2 * TASK_OF[name].delays)
    texts = [f"{'ab' * (i % 4)}c{i % 10}" for i in range(100)]
    vocabulary = arrangement.vocabulary(Vocabulary.of([*texts, "de"]))
    task = arrangement.bound(vocabulary)
    made = task.steps(
        [
            Record(text, labels[i % 2] if labels else None, tuple("x" * len(text)), target="de" * (i % 3))
            for i, text in enumerate(texts)
        ]
    )
    bounds = np.cumsum([0, *made.sizes])
    steps, held_out = RecordSteps(made.inputs, made.targets, bounds, np.ones(100, np.int8)), np.arange(100) % 2 == 0
    every = excerpt_of_records(steps, held_out, task, most=10**6, least=10)
    assert every == Excerpt(tuple(texts[::2]), is_held_out=True)
    some = excerpt_of_records(steps, held_out, task, most=100, least=10)
    assert 5 < len(some.texts) < 50 and some.texts[-1] == texts[98], "spread over all of them"
    assert excerpt_of_records(steps, held_out, task, 10**6, 10**5) == Excerpt(tuple(texts), is_held_out=False)
