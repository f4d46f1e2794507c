"""A series with any engine."""

from __future__ import annotations

from itertools import repeat
from typing import Any

import numpy as np
import pytest

from charrnn.engine.base import Engine, Sequence, Series
from charrnn.engine.refilled import state_after
from charrnn.sampling import SamplingParams
from charrnn.vocabulary import Ids
from tests.charrnn.engine.conftest import MakeCheckpoint
from tests.charrnn.engine.engines import BUILD
from tests.charrnn.engine.serial import all_of, one_by_one

V = 20


def ids_of(*values: int) -> Ids:
    return np.array(values, dtype=np.int32)


@pytest.fixture(scope="module", params=BUILD)
def engine(request: pytest.FixtureRequest, make_checkpoint: MakeCheckpoint) -> Engine:
    return BUILD[request.param](make_checkpoint("lstm", V, 24, layers=2))


@pytest.mark.parametrize(("slots", "steps"), [(1, 100), (3, 1), (3, 6), (64, 1), (64, 100)])
def test_candidates_are_the_sequences_of_their_seeds(engine: Engine, slots: int, steps: int) -> None:
    state = state_after(engine, ids_of(3, 1, 4))
    series = Series(state, 9, SamplingParams(seed=-3, repetition_penalty=1.2), end_id=7, first=2, stop=40)
    found = all_of(engine.series(series, slots), repeat(steps))
    assert found == one_by_one(engine, series, range(2, 40))
    assert {ended for _, ended in found.values()} == {False, True}
    assert all(7 not in ids and len(ids) == 9 - ended * (9 - len(ids)) for ids, ended in found.values())


def test_the_state_after_a_prompt_goes_on_as_the_prompt_does(engine: Engine) -> None:
    batch = engine.batch(2)
    batch.add(Sequence(ids_of(3, 1, 4), 12, SamplingParams(seed=3)))
    batch.add(Sequence(ids_of(), 12, SamplingParams(seed=3), state_after(engine, ids_of(3, 1, 4))))
    whole, rest = batch.step(100)
    assert whole.ids.tolist() == rest.ids.tolist()


def test_a_series_without_a_stop_goes_on(engine: Engine) -> None:
    batch = engine.series(Series(state_after(engine, ids_of(5)), 2, SamplingParams(temperature=0)), 4)
    found = [candidate for _ in range(20) for candidate in batch.step(3).candidates.tolist()]
    assert sorted(found) == list(range(len(found))) and len(found) >= 80 and not batch.done


def test_no_candidates_are_done_at_once(engine: Engine) -> None:
    batch = engine.series(Series(state_after(engine, ids_of(5)), 2, first=3, stop=3), 4)
    assert batch.done and batch.step(5).candidates.size == 0


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"length": 0}, "length must be at least 1, not 0"),
        ({"first": -1}, "first must be at least 0, not -1"),
        ({"first": 5, "stop": 4}, "stop must be at least 5, not 4"),
        ({"end_id": V}, "end_id must be from 0 to 19, not 20"),
        ({"sampling": SamplingParams(logprobs=1)}, "a series has no log-probabilities"),
        ({"sampling": SamplingParams(allowed_token_ids=(V,))}, "ids must be from 0 to 19, not 20"),
    ],
)
def test_a_series_that_cannot_be_generated_is_refused(engine: Engine, fields: dict[str, Any], message: str) -> None:
    state = state_after(engine, ids_of(5))
    with pytest.raises(ValueError, match=message):
        engine.series(Series(**{"state": state, "length": 3, **fields}), 2).step(1)


def test_a_series_needs_a_slot(engine: Engine) -> None:
    with pytest.raises(ValueError, match="must be at least 1, not 0"):
        engine.series(Series(state_after(engine, ids_of(5)), 3), 0)
