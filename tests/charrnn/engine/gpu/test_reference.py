"""The reference engine: its numbers against the equations, and everything that a batch promises."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from charrnn import cells, sampling
from charrnn.checkpoint import Checkpoint
from charrnn.config import CELLS, Cell, ModelConfig
from charrnn.engine.base import Batch, Engine, Output, Sequence, State
from charrnn.engine.gpu.network import TILE
from charrnn.engine.gpu.reference import ReferenceEngine
from charrnn.sampling import RECENT_IDS, SamplingParams
from charrnn.vocabulary import Vocabulary
from tests.charrnn.engine.leaving import leave

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


@settings(max_examples=25)
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


@pytest.mark.parametrize("cut", [0, 1, 2, 3, 5, 9])
def test_a_state_goes_on_elsewhere_as_if_nothing_had_happened(cut: int) -> None:
    params = SamplingParams(seed=9, temperature=0.9, repetition_penalty=1.5, frequency_penalty=0.3)
    whole = alone(Sequence(prompt(3, 1, 4), 12, params)).ids.tolist()
    batch = ENGINE.batch(3)
    handle = batch.add(Sequence(prompt(3, 1, 4), cut, params))
    first = outputs_of(batch)[handle]
    state = leave(batch, handle)
    assert first.done and len(batch) == 0
    assert state.position == cut
    assert state.recent.tolist() == [3, 1, 4, *whole[:cut]]
    assert state.generated.tolist() == [False] * 3 + [True] * cut
    rest = alone(Sequence(prompt(), 12 - cut, params, state))
    assert first.ids.tolist() + rest.ids.tolist() == whole


def test_a_state_taken_inside_the_prompt_is_that_of_the_next_id_to_be_read() -> None:
    batch = ENGINE.batch(1)
    handle = batch.add(Sequence(prompt(3, 1, 4, 1), 5))
    assert batch.step(2) == []
    state = leave(batch, handle)
    assert (state.last_id, state.position, state.recent.tolist()) == (4, 0, [3, 1, 4])
    rest = alone(Sequence(prompt(1), 5, state=state))
    assert rest.ids.tolist() == alone(Sequence(prompt(3, 1, 4, 1), 5)).ids.tolist()


def test_a_state_keeps_only_the_latest_ids() -> None:
    batch = ENGINE.batch(1)
    handle = batch.add(Sequence(prompt(*[2] * 50), 100))
    ids = outputs_of(batch)[handle].ids
    state = leave(batch, handle)
    assert state.recent.tolist() == ids[-RECENT_IDS:].tolist()
    assert state.generated.all()
    assert state.last_id == ids[-1]
    assert state.hidden.shape == (2, 2, 13)


def test_ids_come_as_the_steps_choose_them() -> None:
    batch = ENGINE.batch(2)
    sequence = Sequence(prompt(1, 2, 3), 4, SamplingParams(logprobs=2))
    handle = batch.add(sequence)
    assert batch.step(2) == []  # two of the prompt's three ids are read
    (first,) = batch.step(1)
    (second,) = batch.step(2)
    (last,) = batch.step(50)
    assert [output.ids.size for output in (first, second, last)] == [1, 2, 1]
    assert [output.done for output in (first, second, last)] == [False, False, True]
    assert batch.step(1) == []
    assert len(batch) == 1
    whole = alone(sequence)
    assert [*first.ids, *second.ids, *last.ids] == whole.ids.tolist()
    assert whole.logprobs is not None
    pieces = [output.logprobs.chosen for output in (first, second, last) if output.logprobs]
    np.testing.assert_array_equal(np.concatenate(pieces), whole.logprobs.chosen)
    assert handle == last.handle


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


def test_no_logprobs_unless_asked_for_and_none_beside_the_chosen_for_zero() -> None:
    assert alone(Sequence(prompt(1), 3)).logprobs is None
    output = alone(Sequence(prompt(1), 3, SamplingParams(logprobs=0)))
    assert output.logprobs is not None
    assert output.logprobs.chosen.shape == (3,) and output.logprobs.top.shape == (3, 0)


def test_no_more_likeliest_ids_than_there_are() -> None:
    output = alone(Sequence(prompt(1), 2, SamplingParams(logprobs=20), score=True), ReferenceEngine(checkpoint(size=4)))
    assert output.logprobs and output.prompt_logprobs
    assert output.logprobs.top.shape == (2, 4) and output.prompt_logprobs.top_ids.shape == (1, 4)


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


def test_scoring_in_two_parts_gives_the_whole() -> None:
    whole = alone(Sequence(prompt(4, 8, 15, 16, 20), 0, score=True)).prompt_logprobs
    batch = ENGINE.batch(1)
    handle = batch.add(Sequence(prompt(4, 8), 0, score=True))
    batch.step(9)
    rest = alone(Sequence(prompt(15, 16, 20), 0, state=leave(batch, handle), score=True)).prompt_logprobs
    assert whole and rest
    np.testing.assert_array_equal(rest.chosen, whole.chosen[2:])


def test_one_id_to_score_is_done_without_a_step() -> None:
    output = alone(Sequence(prompt(4), 0, score=True))
    assert output.done and output.prompt_logprobs and np.isnan(output.prompt_logprobs.chosen).tolist() == [True]


def test_scores_come_once_and_before_the_text_is_done() -> None:
    batch = ENGINE.batch(1)
    batch.add(Sequence(prompt(4, 8, 15), 3, score=True))
    assert batch.step(1) == []
    (scored,) = batch.step(1)
    assert scored.prompt_logprobs and scored.prompt_logprobs.chosen.size == 3 and not scored.done
    assert [output.prompt_logprobs for output in batch.step(9)] == [None]


def test_a_full_batch_takes_no_more_until_one_leaves() -> None:
    batch = ENGINE.batch(2)
    first = batch.add(Sequence(prompt(1), 1))
    batch.add(Sequence(prompt(2), 1))
    with pytest.raises(OverflowError, match="the batch is full with 2 sequences"):
        batch.add(Sequence(prompt(3), 1))
    batch.step(1)
    assert len(batch) == 2
    batch.remove(first)
    third = batch.add(Sequence(prompt(3), 2))
    assert outputs_of(batch)[third].ids.tolist() == alone(Sequence(prompt(3), 2)).ids.tolist()
    with pytest.raises(KeyError):
        batch.remove(first)


BAD_STATE = State(np.zeros((1, 1, 4), dtype=np.float32), 0, 0, prompt(0), np.zeros(1, np.bool_))


@pytest.mark.parametrize(
    ("sequence", "message"),
    [
        (Sequence(prompt(), 3), "a sequence needs a prompt of at least one id, or a state to continue from"),
        (Sequence(prompt(1), -1), "length must be at least 0, not -1"),
        (Sequence(prompt(1, V), 3), "ids must be from 0 to 20, not 1 to 21"),
        (Sequence(prompt(-1), 3), "ids must be from 0 to 20, not -1 to -1"),
        (Sequence(prompt(1), 3, state=BAD_STATE), r"the state must have shape \(2, 2, 13\), not \(1, 1, 4\)"),
    ],
)
def test_what_cannot_be_generated_is_refused(sequence: Sequence, message: str) -> None:
    batch = ENGINE.batch(1)
    with pytest.raises(ValueError, match=message):
        batch.add(sequence)
    assert len(batch) == 0
    batch.add(Sequence(prompt(1), 1))


def test_a_batch_holds_at_least_one() -> None:
    with pytest.raises(ValueError, match="capacity must be at least 1, not 0"):
        ENGINE.batch(0)


def test_the_callers_thread_count_is_left_as_it_was() -> None:
    before = torch.get_num_threads()
    alone(Sequence(prompt(1), 2))
    assert torch.get_num_threads() == before
