"""Texts that fit, from every engine."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from charrnn.engine.base import Batch, Engine, Output, Sequence
from charrnn.patterns.automaton import Fit
from charrnn.sampling import SamplingParams
from charrnn.vocabulary import Ids
from tests.charrnn.engine.automata import automaton_of, fits, random_automaton
from tests.charrnn.engine.conftest import MakeCheckpoint
from tests.charrnn.engine.engines import BUILD

V = 20
ABS = automaton_of([[1, -1], [-1, 0]], [0], V)  # (ab)*
ABC = automaton_of([[1], [-1, 2], [-1, -1, 3], []], [3], V)  # abc
WORD = automaton_of([[1] * 15, [1] * 15], [1], V)  # [a-o]+
EMPTY = automaton_of([[]], [0], V)
FITTING = ["reference"]


@pytest.fixture(scope="module", params=FITTING)
def engine(request: pytest.FixtureRequest, make_checkpoint: MakeCheckpoint) -> Engine:
    return BUILD[request.param](make_checkpoint("lstm", V, 24, layers=2))


def ids_of(*values: int) -> Ids:
    return np.array(values, dtype=np.int32)


def add(batch: Batch, sequence: Sequence, steps: int = 1000) -> tuple[int, Output]:
    """The sequence's handle and its only output."""
    handle = batch.add(sequence)
    (output,) = (output for output in batch.step(steps) if output.handle == handle)
    return handle, output


def test_where_the_text_may_not_end_only_what_the_pattern_takes_is_chosen(engine: Engine) -> None:
    _, output = add(engine.batch(1), Sequence(ids_of(5), 30, fit=Fit(ABC)))
    assert (output.ids.tolist(), output.done, output.completed, output.ended) == ([0, 1, 2], True, True, False)
    _, output = add(engine.batch(1), Sequence(ids_of(5), 3, fit=Fit(ABC)))
    assert (output.ids.tolist(), output.done, output.completed) == ([0, 1, 2], True, False)  # its length is used up


@pytest.mark.parametrize("length", range(8))
def test_the_text_is_whole_whatever_its_length(engine: Engine, length: int) -> None:
    always = SamplingParams(temperature=0, logit_bias=((0, 100.0),))
    _, output = add(engine.batch(1), Sequence(ids_of(5), length, always, fit=Fit(ABS)))
    assert output.ids.tolist() == [0, 1] * (length // 2)
    assert output.completed == bool(length % 2)


def test_an_id_that_ends_the_text_is_no_part_of_it_and_is_drawn_again_if_it_goes_on(engine: Engine) -> None:
    batch = engine.batch(3)
    kinds = set()
    for seed in range(12):
        params = SamplingParams(seed=seed, logprobs=2)
        handle, output = add(batch, Sequence(ids_of(5, 6), 40, params, fit=Fit(WORD)))
        size = output.ids.size
        assert fits(WORD, output.ids) and output.done and output.completed == (size < 40)
        assert output.logprobs is not None and output.logprobs.chosen.size == size
        state = batch.state(handle)
        batch.remove(handle)
        same, _ = add(batch, Sequence(ids_of(5, 6, *output.ids.tolist()), 0))
        expected = batch.state(same)
        assert state.hidden.tobytes() == expected.hidden.tobytes()
        assert (state.last_id, state.position) == (expected.last_id, size)
        assert state.recent.tolist() == expected.recent.tolist()
        after = Fit(WORD, WORD.after(0, output.ids.tolist()))
        again, rest = add(batch, Sequence(ids_of(), 40, params, state, fit=after))
        assert rest.ids.size == 0 and rest.completed and batch.state(again).position == size
        unbound, free = add(batch, Sequence(ids_of(), 1, params, state))
        assert free.ids[0] >= 15
        for each in (same, again, unbound):
            batch.remove(each)
        kinds.add(size)
    assert len(kinds) > 2


@pytest.mark.parametrize("steps", [1, 3, 100])
def test_steps_and_neighbours_change_nothing(engine: Engine, steps: int) -> None:
    random = np.random.default_rng(steps)
    automata = [random_automaton(random, V) for _ in range(4)]
    sequences = [
        Sequence(
            random.integers(0, V, 1 + i % 4).astype(np.int32),
            12,
            SamplingParams(seed=i, temperature=[0.0, 1.0, 2.5][i % 3], logprobs=[None, 2][i % 2]),
            score=i % 5 == 0,
            fit=[None, *map(Fit, automata)][i % 5],
        )
        for i in range(25)
    ]
    batch = engine.batch(len(sequences))
    handles = [batch.add(sequence) for sequence in sequences]
    found: dict[int, list[Output]] = {handle: [] for handle in handles}
    for _ in range(40):
        for output in batch.step(steps):
            found[output.handle].append(output)
    for handle, sequence in zip(handles, sequences, strict=True):
        other = engine.batch(1)
        alone, expected = add(other, sequence)
        assert np.concatenate([output.ids for output in found[handle]]).tolist() == expected.ids.tolist()
        assert [output.done for output in found[handle]] == [False] * (len(found[handle]) - 1) + [True]
        assert [output.completed for output in found[handle]][-1] == expected.completed
        assert batch.state(handle).hidden.tobytes() == other.state(alone).hidden.tobytes()
        assert batch.state(handle).position == other.state(alone).position
        if sequence.fit is not None:
            assert fits(sequence.fit.automaton, expected.ids)
            assert expected.completed == (expected.ids.size < 12)


def test_where_nothing_can_follow_the_text_is_over_after_its_prompt(engine: Engine) -> None:
    batch = engine.batch(2)
    params = SamplingParams(seed=1, logprobs=1)
    handle = batch.add(Sequence(ids_of(3, 4, 5), 9, params, score=True, fit=Fit(EMPTY)))
    assert list(batch.step(1)) == []
    (output,) = batch.step(9)
    assert output.done and output.completed and output.ids.size == 0 and output.prompt_logprobs
    _, plain = add(batch, Sequence(ids_of(3, 4, 5), 0, score=True))
    assert plain.prompt_logprobs and not plain.completed
    np.testing.assert_array_equal(output.prompt_logprobs.chosen, plain.prompt_logprobs.chosen)
    assert batch.state(handle).last_id == 5
    other = engine.batch(1)
    _, output = add(other, Sequence(ids_of(), 9, params, batch.state(handle), fit=Fit(EMPTY)))
    assert output.done and output.completed


def test_the_end_may_be_drawn_where_the_text_may_end_only(engine: Engine) -> None:
    end = SamplingParams(temperature=0, logit_bias=((19, 100.0),))
    for automaton, expected in ((ABC, [0, 1, 2]), (ABS, [19])):
        _, output = add(engine.batch(1), Sequence(ids_of(5), 9, end, end_id=19, fit=Fit(automaton)))
        assert (output.ids.tolist(), output.ended) == (expected, automaton is ABS)
        assert output.completed != output.ended


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"fit": Fit(ABC), "length": 2}, "length must be at least 3, which the pattern needs, not 2"),
        ({"fit": Fit(automaton_of([[0]], [0], V - 1))}, "the pattern must be of 20 ids, not 19"),
        ({"fit": Fit(ABC, 4)}, "the pattern's state must be from 0 to 3, not 4"),
        ({"fit": Fit(ABC), "end_id": 2}, "the pattern must not take end_id, 2"),
        (
            {"fit": Fit(ABC), "sampling": SamplingParams(allowed_token_ids=(0, 2, 7))},
            "the pattern must take allowed_token_ids only, not 1",
        ),
    ],
)
def test_what_cannot_be_is_refused(engine: Engine, fields: dict[str, Any], message: str) -> None:
    batch = engine.batch(1)
    with pytest.raises(ValueError, match=message):
        batch.add(Sequence(**{"prompt": ids_of(1), "length": 5, **fields}))
    assert len(batch) == 0
