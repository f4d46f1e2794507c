"""The engine for GPUs against the reference engine, and its promise that ids depend on version and sequence alone.

All of it runs on the CPU, where the same operations are called rather than captured; the main of it on a GPU as well,
where there is one.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from charrnn.checkpoint import Checkpoint
from charrnn.config import CELLS, Cell
from charrnn.engine.base import Batch, Engine, Output, Sequence
from charrnn.engine.gpu.batch import GpuEngine
from charrnn.engine.gpu.network import TILE
from charrnn.engine.gpu.reference import ReferenceEngine
from charrnn.engine.gpu.tile import STEPS
from charrnn.sampling import RECENT_IDS, SamplingParams
from charrnn.vocabulary import Ids
from tests.charrnn.engine.leaving import leave
from tests.charrnn.engine.mixing import mixed
from tests.laws import examples

V = 37
DEVICES = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
PARAMS = (
    SamplingParams(seed=1),
    SamplingParams(seed=2, temperature=0),
    SamplingParams(seed=3, temperature=0.7, top_k=5),
    SamplingParams(seed=4, top_p=0.8),
    SamplingParams(seed=5, min_p=0.02),
    SamplingParams(seed=6, repetition_penalty=1.3),
    SamplingParams(seed=7, logprobs=3),
    SamplingParams(seed=12, temperature=0.8, presence_penalty=0.5, frequency_penalty=0.3),
    SamplingParams(seed=13, temperature=0, frequency_penalty=1.0, presence_penalty=-0.5),
    SamplingParams(seed=14, logit_bias=((3, 2.0), (5, -100.0)), logprobs=2),
    SamplingParams(seed=15, allowed_token_ids=(1, 4, 9, 30), top_k=3, presence_penalty=1.0),
    SamplingParams(seed=16, temperature=0, allowed_token_ids=(7, 2, 2), logit_bias=((2, 50.0), (3, 100.0))),
    SamplingParams(seed=8, temperature=0, repetition_penalty=1.5, logprobs=V + 1),
    SamplingParams(seed=2**70 - 3, temperature=1.5, repetition_penalty=1.1, top_k=3, top_p=0.5, logprobs=0),
)


def ids_of(*values: int) -> Ids:
    return np.array(values, dtype=np.int32)


def random_ids(n: int, seed: int = 0) -> Ids:
    return np.random.default_rng(seed).integers(0, V, n).astype(np.int32)


def whole(outputs: list[Output]) -> tuple[list[Any], ...]:
    """All that was reported of a sequence: ids, the three kinds of logarithms, those of the prompt."""
    reported = [output.logprobs for output in outputs if output.logprobs]
    of_prompt = [output.prompt_logprobs for output in outputs if output.prompt_logprobs]
    return (
        [id_ for output in outputs for id_ in output.ids.tolist()],
        [number for each in reported for number in each.chosen.tolist()],
        [ids for each in reported for ids in each.top_ids.tolist()],
        [numbers for each in reported for numbers in each.top.tolist()],
        [number for each in of_prompt for number in [*each.chosen[1:].tolist(), *each.top[1:].ravel().tolist()]],
    )


def outputs_of(batch: Batch, handle: int, steps: int = 1000) -> list[Output]:
    return [output for output in batch.step(steps) if output.handle == handle]


def alone(engine: Engine, sequence: Sequence) -> list[Output]:
    batch = engine.batch(1)
    return outputs_of(batch, batch.add(sequence))


@pytest.fixture(scope="module", params=[(cell, device) for device in DEVICES for cell in CELLS], ids=str)
def engine(request: pytest.FixtureRequest, make_checkpoint: Callable[..., Checkpoint]) -> GpuEngine:
    cell, device = request.param
    return GpuEngine(make_checkpoint(cell, V, 24, layers=2, embedding=5), device)


@pytest.fixture(scope="module")
def lstm(make_checkpoint: Callable[..., Checkpoint]) -> GpuEngine:
    return GpuEngine(make_checkpoint("lstm", V, 24, layers=2), "cpu")


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    ("cell", "hidden", "layers", "embedding"),
    [("gru", 1, 1, 0), *((cell, 13, 2, 3) for cell in CELLS), ("lstm", 16, 3, 0), ("rnn", 100, 1, 7)],
)
def test_it_generates_what_the_reference_does(
    cell: Cell, hidden: int, layers: int, embedding: int, device: str, make_checkpoint: Any
) -> None:
    checkpoint = make_checkpoint(cell, V, hidden, layers, embedding, seed=hidden)
    sequences = [Sequence(random_ids(1 + 3 * i, i), 25, PARAMS[i], score=i % 2 == 0) for i in range(len(PARAMS))]
    batches: list[Batch] = [ReferenceEngine(checkpoint).batch(20), GpuEngine(checkpoint, device).batch(20)]
    expected, found = ([outputs_of(batch, batch.add(each)) for each in sequences] for batch in batches)
    for mine, theirs in zip(map(whole, found), map(whole, expected), strict=True):
        assert (mine[0], mine[2]) == (theirs[0], theirs[2])
        for logarithms, reference in zip(mine[1:], theirs[1:], strict=True):
            np.testing.assert_allclose(logarithms, reference, atol=1e-5)


def random_sequence(random: np.random.Generator, longest: int = 20) -> Sequence:
    params = replace(PARAMS[random.integers(len(PARAMS))], seed=int(random.integers(2**63)))
    prompt = random.integers(0, V, random.integers(1, 15)).astype(np.int32)
    return Sequence(prompt, int(random.integers(0, longest)), params, score=bool(random.integers(2)))


@examples(5)
@given(seed=st.integers(0, 2**32), capacity=st.integers(1, 2 * TILE + 2))
def test_nothing_depends_on_neighbours_or_steps(engine: GpuEngine, seed: int, capacity: int) -> None:
    random = np.random.default_rng(seed)
    mix = [random_sequence(random) for _ in range(random.integers(2, 20))]
    found, left = mixed(engine, mix, capacity, random, 0, 19)
    for index, sequence in enumerate(mix):
        together, expected = whole(found[index]), whole(alone(engine, sequence))
        for mine, theirs in zip(together[:4], expected[:4], strict=True):
            assert mine == theirs[: len(mine)]
        assert index in left or together == expected


@examples(5)
@given(seed=st.integers(0, 2**32), cuts=st.lists(st.integers(1, 20), min_size=1, max_size=4))
def test_a_removed_sequence_goes_on_from_its_state(engine: GpuEngine, seed: int, cuts: list[int]) -> None:
    sequence = replace(random_sequence(np.random.default_rng(seed)), length=90, score=False)
    expected = whole(alone(engine, sequence))[0]
    batch, found, rest = engine.batch(3), list[int](), sequence
    for cut in cuts:
        handle = batch.add(rest)
        found += whole(outputs_of(batch, handle, cut))[0]
        state = leave(batch, handle)
        unread = max(0, len(rest.prompt) - (rest.state is None) - cut)
        rest = Sequence(rest.prompt[len(rest.prompt) - unread :], 90 - len(found), sequence.sampling, state)
    assert found + whole(alone(engine, rest))[0] == expected


@pytest.mark.parametrize("tile", [8, 16])
def test_not_one_bit_of_a_row_depends_on_its_place(tile: int, make_checkpoint: Any) -> None:
    engine = GpuEngine(make_checkpoint("gru", V, 31, layers=2, embedding=3), "cpu", tile)
    mine = Sequence(random_ids(5), 6, SamplingParams(seed=1, logprobs=V))
    batch = engine.batch(1)
    handle = batch.add(mine)
    expected, state = whole(outputs_of(batch, handle)), batch.state(handle).hidden.tobytes()
    for before in range(tile + 2):
        batch = engine.batch(2 * tile)
        for i in range(before):
            batch.add(Sequence(random_ids(20, i), 20, SamplingParams(logprobs=1)))
        handle = batch.add(mine)
        assert whole(outputs_of(batch, handle)) == expected
        assert batch.state(handle).hidden.tobytes() == state


def test_more_steps_than_are_read_at_once_and_more_ids_than_are_remembered(make_checkpoint: Any) -> None:
    checkpoint = make_checkpoint("gru", V, 24)
    params = SamplingParams(seed=3, repetition_penalty=1.6, frequency_penalty=0.2)
    sequence = Sequence(random_ids(STEPS + 9), 2 * STEPS + 5, params, score=True)
    batch = GpuEngine(checkpoint, "cpu").batch(1)
    handle = batch.add(sequence)
    (output,) = outputs_of(batch, handle)
    (expected,) = alone(ReferenceEngine(checkpoint), sequence)
    assert output.done and output.prompt_logprobs and expected.prompt_logprobs
    assert output.ids.tolist() == expected.ids.tolist()
    np.testing.assert_allclose(output.prompt_logprobs.chosen, expected.prompt_logprobs.chosen, atol=1e-5)
    state = batch.state(handle)
    assert (state.position, state.last_id) == (output.ids.size, output.ids[-1])
    assert state.recent.tolist() == output.ids[-RECENT_IDS:].tolist()
    assert state.generated.all()


def test_threads_with_batches_of_their_own_do_not_disturb_each_other(lstm: GpuEngine) -> None:
    sequences = [Sequence(random_ids(5, i), 150, SamplingParams(seed=i)) for i in range(4)]
    expected = [whole(alone(lstm, sequence)) for sequence in sequences]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda sequence: whole(alone(lstm, sequence)), sequences)) == expected


def test_scores_that_are_not_numbers_choose_an_id_that_there_is(make_checkpoint: Any) -> None:
    checkpoint = make_checkpoint("rnn", 3, 16)
    checkpoint.weights["output.weight"][:] = 3e38
    (output,) = alone(GpuEngine(checkpoint, "cpu"), Sequence(ids_of(1, 2), 9))
    assert output.done and 0 <= output.ids.min() <= output.ids.max() < 3


def test_the_description_names_cell_and_device(lstm: GpuEngine) -> None:
    assert lstm.description == "lstm in float32 with torch on cpu"
