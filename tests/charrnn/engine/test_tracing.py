"""A trace shows what generating and scoring work with, bit for bit, however it is cut."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.config import CELLS, Cell
from charrnn.engine.base import Engine, Logprobs, Sequence
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.engine.cpu.instructions import Precision
from charrnn.engine.gpu.reference import ReferenceEngine
from charrnn.engine.tracing import Trace, pieces, trace
from charrnn.sampling import SamplingParams
from charrnn.vocabulary import Ids
from tests.charrnn.engine.leaving import leave
from tests.laws import examples

ENGINES = [*get_args(Precision), "reference"]


def random_ids(n: int, seed: int = 0) -> Ids:
    return np.random.default_rng(seed).integers(0, 20, n).astype(np.int32)


@pytest.fixture(scope="module", params=[(cell, engine) for cell in CELLS for engine in ENGINES], ids="-".join)
def engine(request: pytest.FixtureRequest, make_checkpoint: Any) -> Engine:
    cell, name = request.param
    checkpoint = make_checkpoint(cell, hidden=20, layers=2)
    return ReferenceEngine(checkpoint) if name == "reference" else CpuEngine(checkpoint, name)


def score(engine: Engine, ids: Ids, top: int) -> Logprobs:
    batch = engine.batch(1)
    batch.add(Sequence(ids, 0, SamplingParams(logprobs=top), score=True))
    (output,) = batch.step(len(ids))
    assert output.prompt_logprobs is not None
    return output.prompt_logprobs


def same(one: Trace, other: Trace) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True)
        for name in ("states", "logprobs", "top_ids", "top")
    )


def test_probabilities_are_those_of_scoring(engine: Engine) -> None:
    ids = random_ids(600)
    traced, scored = trace(engine, ids, top=4), score(engine, ids, top=4)
    np.testing.assert_array_equal(traced.logprobs, scored.chosen)
    np.testing.assert_array_equal(traced.top_ids[:-1], scored.top_ids[1:])
    np.testing.assert_array_equal(traced.top[:-1], scored.top[1:])


def test_states_and_expectations_are_those_of_generating(engine: Engine) -> None:
    prompt = random_ids(7)
    batch = engine.batch(3)
    batch.add(Sequence(random_ids(3), 90, SamplingParams(seed=3)))
    handle = batch.add(Sequence(prompt, 50, SamplingParams(seed=1, logprobs=5)))
    (output,) = [output for output in batch.step(56) if output.handle == handle]
    assert output.logprobs is not None
    traced = trace(engine, np.concatenate([prompt, output.ids]))
    np.testing.assert_array_equal(traced.states[-2], leave(batch, handle).hidden)
    np.testing.assert_array_equal(traced.logprobs[7:], output.logprobs.chosen)
    np.testing.assert_array_equal(traced.top[6:-1], output.logprobs.top)
    np.testing.assert_array_equal(traced.top_ids[6:-1], output.logprobs.top_ids)


@examples(6)
@given(n=st.integers(1, 40), cut=st.integers(1, 40), size=st.integers(1, 41))
def test_the_trace_of_a_prefix_is_the_prefix_of_the_trace(engine: Engine, n: int, cut: int, size: int) -> None:
    ids = random_ids(n, seed=n)
    whole, prefix = trace(engine, ids), trace(engine, ids[:cut])
    assert same(prefix, Trace(whole.states[:cut], whole.logprobs[:cut], whole.top_ids[:cut], whole.top[:cut]))
    start = 0
    for piece in pieces(engine, ids, size=size):
        part = slice(start, start := start + len(piece.states))
        assert same(piece, Trace(whole.states[part], whole.logprobs[part], whole.top_ids[part], whole.top[part]))
    assert start == n


@pytest.mark.parametrize("cell", CELLS)
def test_native_engines_trace_what_the_reference_engine_does(cell: Cell, make_checkpoint: Any) -> None:
    checkpoint, ids = make_checkpoint(cell, hidden=20, layers=2), random_ids(300)
    expected = trace(ReferenceEngine(checkpoint), ids)
    exact, quick = (trace(CpuEngine(checkpoint, precision), ids) for precision in get_args(Precision)[::-1])
    np.testing.assert_allclose(exact.states, expected.states, atol=1e-5)
    np.testing.assert_allclose(exact.top, expected.top, atol=1e-4)
    np.testing.assert_allclose(quick.states, expected.states, atol=0.03)
    np.testing.assert_allclose(quick.logprobs, expected.logprobs, atol=0.05)


def test_a_look_at_a_state_changes_nothing(engine: Engine) -> None:
    sequence = Sequence(random_ids(5), 20, SamplingParams(seed=4))
    looked, left = engine.batch(1), engine.batch(1)
    one, other = looked.add(sequence), left.add(sequence)
    ids = []
    for _ in range(24):
        ids += [output.ids for output in looked.step(1)]
        seen = looked.state(one)
        seen.hidden[:] = 9
    (output,) = left.step(24)
    np.testing.assert_array_equal(np.concatenate(ids), output.ids)
    np.testing.assert_array_equal(looked.state(one).hidden, leave(left, other).hidden)
    with pytest.raises(KeyError):
        left.state(other)


def test_shapes_for_one_id_and_for_a_small_vocabulary(engine: Engine) -> None:
    traced = trace(engine, random_ids(1), top=30)
    states = 2 if traced.states.shape[2] == 2 else 1
    assert traced.states.shape == (1, 2, states, 20)
    assert np.isnan(traced.logprobs).tolist() == [True]
    assert sorted(traced.top_ids[0].tolist()) == list(range(20))
    assert traced.top_ids.shape == traced.top.shape == (1, 20)
    assert np.exp(traced.top).sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(("ids", "message"), [([], "at least 1 id"), ([3, 20], "from 0 to 19")])
def test_what_cannot_be_traced_is_refused(engine: Engine, ids: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        trace(engine, np.array(ids, dtype=np.int32))
