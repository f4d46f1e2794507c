"""The reference engine: its numbers against the equations, and that they do not depend on neighbours."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from charrnn import cells, sampling
from charrnn.checkpoint import Checkpoint
from charrnn.config import CELLS, Cell, ModelConfig
from charrnn.engine.base import Batch, Engine, Output, Sequence
from charrnn.engine.gpu.network import TILE
from charrnn.engine.gpu.reference import ReferenceEngine
from charrnn.sampling import RECENT_IDS, SamplingParams
from charrnn.vocabulary import Vocabulary
from tests.charrnn.engine.leaving import leave
from tests.laws import examples

V = 21


def checkpoint(cell: Cell = "lstm", hidden: int = 13, layers: int = 2, embedding: int = 7, size: int = V) -> Checkpoint:
    config = ModelConfig(size, cell, hidden, layers, embedding)
    random = np.random.default_rng(5)
    weights = {name: random.normal(0, 0.6, shape).astype(np.float32) for name, shape in config.shapes().items()}
    return Checkpoint(config, Vocabulary("".join(chr(65 + i) for i in range(size))), weights)


ENGINE = ReferenceEngine(checkpoint())


def prompt(*ids: int) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    return np.array(ids, dtype=np.int32)


def outputs_of(batch: Batch, steps: int = 1000) -> dict[int, Output]:
    return {output.handle: output for output in batch.step(steps)}


def alone(sequence: Sequence, engine: Engine = ENGINE) -> Output:
    batch = engine.batch(1)
    handle = batch.add(sequence)
    return outputs_of(batch)[handle]


def by_equations(checkpoint: Checkpoint, sequence: Sequence) -> list[int]:
    """What the cells' equations and `sampling.choose` make of a sequence, step by step."""
    state = cells.initial_state(checkpoint.config)
    ids: list[int] = sequence.prompt.tolist()
    start = len(ids)
    for t in range(start + sequence.length - 1):
        logits, state = cells.step(checkpoint.config, checkpoint.weights, ids[t], state)
        if t + 1 >= start:
            latest = np.array(ids[-RECENT_IDS:], dtype=np.int32), (np.arange(len(ids)) >= start)[-RECENT_IDS:]
            ids.append(sampling.choose(logits.astype(np.float32), sequence.sampling, *latest, t + 1 - start))
    return ids[start:]


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(("hidden", "layers", "embedding"), [(13, 1, 0), (16, 2, 0), (13, 3, 7)])
def test_it_generates_what_the_equations_give(cell: Cell, hidden: int, layers: int, embedding: int) -> None:
    network = checkpoint(cell, hidden, layers, embedding)
    params = SamplingParams(seed=4, temperature=0.8, repetition_penalty=1.2, presence_penalty=0.2, logit_bias=((2, 1),))
    sequence = Sequence(prompt(1, 2, 3), 80, params)
    assert alone(sequence, ReferenceEngine(network)).ids.tolist() == by_equations(network, sequence)


SEQUENCES = st.builds(
    Sequence,
    st.lists(st.integers(0, V - 1), min_size=1, max_size=6).map(lambda ids: prompt(*ids)),
    st.integers(1, 12),
    st.builds(SamplingParams, seed=st.integers(0, 2**64 - 1), temperature=st.sampled_from([0.0, 0.7, 1.5])),
)


@examples(12)
@given(st.lists(st.tuples(SEQUENCES, st.integers(0, 3)), min_size=1, max_size=2 * TILE + 3))
def test_a_sequence_does_not_depend_on_its_neighbours(joining: list[tuple[Sequence, int]]) -> None:
    batch = ENGINE.batch(len(joining))
    found: dict[int, list[int]] = {}
    handles = []
    for sequence, steps in joining:
        handles.append(batch.add(sequence))
        for output in batch.step(steps):
            found.setdefault(output.handle, []).extend(output.ids.tolist())
    for output in batch.step(100):
        found.setdefault(output.handle, []).extend(output.ids.tolist())
    assert [found[h] for h in handles] == [alone(sequence).ids.tolist() for sequence, _ in joining]


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(("hidden", "embedding", "size"), [(5, 0, 4), (31, 31, 5), (16, 0, 64), (100, 3, 97)])
def test_not_one_bit_of_a_row_depends_on_its_place(cell: Cell, hidden: int, embedding: int, size: int) -> None:
    engine = ReferenceEngine(checkpoint(cell, hidden, 2, embedding, size))
    random = np.random.default_rng(0)
    mine = Sequence(prompt(*random.integers(0, size, 5)), 6, SamplingParams(seed=1, logprobs=size))
    expected = alone(mine, engine)
    for before in range(TILE + 2):
        batch = engine.batch(2 * TILE)
        for _ in range(before):
            batch.add(Sequence(prompt(*random.integers(0, size, 20)), 20))
        handle = batch.add(mine)
        output = outputs_of(batch)[handle]
        state = leave(batch, handle)
        assert output.logprobs and expected.logprobs
        assert output.logprobs.top.tobytes() == expected.logprobs.top.tobytes()
        first = engine.batch(1)
        alone_handle = first.add(mine)
        first.step(100)
        assert state.hidden.tobytes() == leave(first, alone_handle).hidden.tobytes()


def test_logprobs_are_the_models_own_distribution() -> None:
    hot = SamplingParams(seed=3, temperature=1.9, top_k=3, repetition_penalty=2.0, logprobs=5)
    output = alone(Sequence(prompt(1, 2), 8, hot))
    assert output.logprobs is not None and output.prompt_logprobs is None
    network = checkpoint()
    ids, state = [1, 2, *output.ids.tolist()], cells.initial_state(network.config)
    for t, token in enumerate(ids[:-1]):
        logits, state = cells.step(network.config, network.weights, token, state)
        if t >= 1:
            logarithms = sampling.log_softmax(logits.astype(np.float32))
            best = np.argsort(-logarithms)[:5]
            np.testing.assert_allclose(output.logprobs.chosen[t - 1], logarithms[ids[t + 1]], atol=1e-5)
            assert output.logprobs.top_ids[t - 1].tolist() == best.tolist()
            np.testing.assert_allclose(output.logprobs.top[t - 1], logarithms[best], atol=1e-5)


def test_scoring_a_text_generates_nothing() -> None:
    text = prompt(4, 8, 15, 16)
    batch = ENGINE.batch(1)
    handle = batch.add(Sequence(text, 0, SamplingParams(logprobs=2), score=True))
    assert batch.step(2) == []
    (output,) = batch.step(1)
    assert output.done and output.ids.size == 0 and output.prompt_logprobs
    assert np.isnan(output.prompt_logprobs.chosen[0])
    network = checkpoint()
    state = cells.initial_state(network.config)
    for t in range(3):
        logits, state = cells.step(network.config, network.weights, int(text[t]), state)
        expected = sampling.log_softmax(logits.astype(np.float32))
        np.testing.assert_allclose(output.prompt_logprobs.chosen[t + 1], expected[text[t + 1]], atol=1e-5)
        np.testing.assert_allclose(output.prompt_logprobs.top[t + 1], np.sort(expected)[-2:][::-1], atol=1e-5)
    assert leave(batch, handle).last_id == 16
    assert batch.step(3) == []


def test_the_callers_thread_count_is_left_as_it_was() -> None:
    before = torch.get_num_threads()
    alone(Sequence(prompt(1), 2))
    assert torch.get_num_threads() == before
