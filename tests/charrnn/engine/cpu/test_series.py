"""The compiled step refills slots with exactly the candidates that an ordinary batch would give."""

from __future__ import annotations

import tracemalloc
from itertools import cycle, repeat

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.config import CELLS, Cell
from charrnn.engine.base import Series
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.engine.cpu.instructions import Precision
from charrnn.engine.cpu.series import ROOM
from charrnn.engine.refilled import state_after
from charrnn.sampling import SamplingParams
from charrnn.tasks.arrangement import Arrangement
from charrnn.vocabulary import Vocabulary
from charrnn.words import WordVocabulary
from tests.charrnn.engine.choosing import sampled
from tests.charrnn.engine.conftest import MakeCheckpoint
from tests.charrnn.engine.serial import all_of, one_by_one
from tests.laws import examples
from tests.networks import with_counts

RECORDS = Arrangement("generate", "line", "\n", ("x", "y", "z"))
TOKENS: dict[str, Vocabulary | None] = {
    "char": None,
    "word": WordVocabulary(("the", " ", "cat", "'", "sat", "\r", "\n", ".", "don't", "s", "a", "b", "c", "d", "e")),
}
Engines = dict[tuple[str, str, str], CpuEngine]


@pytest.fixture(scope="module")
def engines(make_checkpoint: MakeCheckpoint) -> Engines:
    """By cell, precision and level: of records, in a vocabulary of which the last ids are only read."""
    made: Engines = {}
    for cell in CELLS:
        for level, tokens in TOKENS.items():
            checkpoint = make_checkpoint(cell, 40, 40, layers=2, arrangement=RECORDS, tokens=tokens)
            checkpoint.weights["output.bias"][checkpoint.vocabulary.end_id] += 1
            if cell == "gru":
                checkpoint = with_counts(checkpoint)
            precisions: tuple[Precision, ...] = ("int8", "float32")
            made |= {(cell, precision, level): CpuEngine(checkpoint, precision) for precision in precisions}
    return made


@pytest.mark.parametrize("level", TOKENS)
@pytest.mark.parametrize("precision", ["int8", "float32"])
@pytest.mark.parametrize("cell", CELLS)
@examples(10)
@given(data=st.data())
def test_candidates_are_the_sequences_of_their_seeds(
    cell: Cell, precision: Precision, level: str, engines: Engines, data: st.DataObject
) -> None:
    engine = engines[cell, precision, level]
    config = engine.config
    prompt = np.array(
        data.draw(st.lists(st.integers(0, config.vocabulary_size - 1), min_size=1, max_size=80)), np.int32
    )
    first = data.draw(st.integers(0, 2**40))
    candidates = range(first, first + data.draw(st.integers(0, 60)))
    series = Series(
        state_after(engine, prompt),
        length=data.draw(st.integers(1, 30)),
        sampling=data.draw(sampled(config.outputs)),
        end_id=data.draw(st.sampled_from([config.outputs - 1, 1, None])),
        first=first,
        stop=candidates.stop,
    )
    steps = cycle(data.draw(st.lists(st.integers(1, 40), min_size=1, max_size=5)))
    found = all_of(engine.series(series, data.draw(st.integers(1, 20))), steps)
    assert found == (one_by_one(engine, series, candidates) if candidates else {})


@pytest.mark.parametrize("length", [1, 5])
def test_candidates_that_end_at_once_fill_only_what_there_is_room_for(engines: Engines, length: int) -> None:
    engine = engines["gru", "int8", "char"]
    end = engine.config.outputs - 1
    sampling = SamplingParams(allowed_token_ids=(end,))
    series = Series(state_after(engine, np.array([1], np.int32)), length, sampling, end)
    batch = engine.series(series, 3)
    for call in range(3):
        found = batch.step(1000)
        assert found.candidates.tolist() == list(range(3 * ROOM * call, 3 * ROOM * (call + 1)))
        assert found.ended.all() and not found.offsets.any() and not found.ids.size


def test_many_candidates_in_one_call_wait_for_room(engines: Engines) -> None:
    engine = engines["rnn", "int8", "char"]
    series = Series(state_after(engine, np.array([1], np.int32)), 2, end_id=engine.config.outputs - 1, stop=3000)
    batch = engine.series(series, 4)
    assert len(batch.step(1000).candidates) == 4 * ROOM
    found = all_of(engine.series(series, 4), repeat(1000))
    assert found == one_by_one(engine, series, range(3000))


def test_memory_does_not_grow(engines: Engines) -> None:
    engine = engines["lstm", "int8", "char"]
    batch = engine.series(
        Series(state_after(engine, np.array([1], np.int32)), 1000, end_id=engine.config.outputs - 1), 8
    )
    tracemalloc.start()
    try:
        for _ in range(20):
            batch.step(100)
        before = tracemalloc.get_traced_memory()[0]
        made = sum(batch.step(100).candidates.size for _ in range(200))
        assert made > 5000
        assert tracemalloc.get_traced_memory()[0] - before < 4 * made
    finally:
        tracemalloc.stop()
