"""What text a finished network is searched along, and what a version was not trained on."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.record import TrainingRecord
from charrnn.training.config import VALIDATION_SPLITS, ValidationSplit
from charrnn.training.text import Passages, split
from charrnn.vocabulary import Level, Vocabulary
from charrnn.words import WordVocabulary
from service.training.excerpts import excerpt_of, recorded_held_out

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
    assert len(excerpt.text) <= most
    whole = vocabulary.decode(held_out.read(0, len(held_out)).astype(np.int32))
    if excerpt.is_held_out:
        assert len(excerpt.text) >= least
        assert set(excerpt.text) <= set(whole)
        if most >= len(whole) and len(held_out.bounds) == 1:
            assert excerpt.text == whole
    else:
        assert set(excerpt.text) <= set(text)


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
