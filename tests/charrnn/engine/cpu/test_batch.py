"""The engine's numbers against the textbook's, and its promise that ids depend on nothing but version and sequence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.checkpoint import Checkpoint
from charrnn.config import CELLS, Cell
from charrnn.engine.base import Output, Sequence
from charrnn.engine.cpu.batch import CpuBatch, CpuEngine
from charrnn.engine.cpu.instructions import Isa, host_features, runnable_isas
from charrnn.engine.cpu.packing import pack
from charrnn.engine.gpu.reference import ReferenceEngine
from charrnn.ngrams import EARLIER_ORDERS, ORDERS
from charrnn.sampling import SamplingParams, log_softmax
from charrnn.vocabulary import Ids
from tests.charrnn.engine.leaving import leave
from tests.charrnn.engine.mixing import mixed
from tests.laws import examples
from tests.networks import with_counts

ISAS = runnable_isas(host_features())
PARAMS = (
    SamplingParams(seed=1),
    SamplingParams(seed=2, temperature=0),
    SamplingParams(seed=3, temperature=0.7, top_k=5),
    SamplingParams(seed=4, top_p=0.8, min_p=0.02),
    SamplingParams(seed=5, repetition_penalty=1.3),
    SamplingParams(seed=6, logprobs=3),
    SamplingParams(seed=7, temperature=0.8, presence_penalty=0.5, frequency_penalty=0.3),
    SamplingParams(seed=8, temperature=0, frequency_penalty=1.0, presence_penalty=-0.5, repetition_penalty=1.1),
    SamplingParams(seed=9, logit_bias=((3, 2.0), (5, -100.0)), logprobs=2),
    SamplingParams(seed=10, allowed_token_ids=(1, 4, 9, 19), top_k=3, presence_penalty=1.0),
    SamplingParams(seed=11, temperature=0, allowed_token_ids=(7, 2, 2), logit_bias=((2, 50.0), (3, 100.0))),
    SamplingParams(seed=2**70 - 3, temperature=1.5, repetition_penalty=1.1, top_k=3, top_p=0.5, logprobs=0),
)


def ids_of(*values: int) -> Ids:
    return np.array(values, dtype=np.int32)


def random_ids(n: int, vocabulary: int, seed: int = 0) -> Ids:
    return np.random.default_rng(seed).integers(0, vocabulary, n).astype(np.int32)


def run(batch: CpuBatch, handle: int, steps: Iterator[int] | None = None) -> Ids:
    """Step until the sequence is done; its ids."""
    found: list[Ids] = []
    for _ in range(10_000):
        for output in batch.step(next(steps) if steps else 1000):
            if output.handle == handle:
                found.append(output.ids)
                if output.done:
                    return np.concatenate(found)
    raise AssertionError("never done")


def alone(engine: CpuEngine, sequence: Sequence) -> Ids:
    batch = engine.batch(1)
    return run(batch, batch.add(sequence))


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(("hidden", "layers", "embedding"), [(1, 1, 0), (3, 2, 2), (7, 3, 0), (100, 1, 5), (512, 2, 0)])
def test_float32_follows_the_equations(
    cell: Cell, hidden: int, layers: int, embedding: int, make_checkpoint: Any, log_probabilities: Any
) -> None:
    checkpoint = make_checkpoint(cell, hidden=hidden, layers=layers, embedding=embedding)
    ids = random_ids(30, 20)
    scored = score(CpuEngine(checkpoint, "float32"), ids)
    expected = log_probabilities(checkpoint, ids[:-1])[np.arange(29), ids[1:]]
    np.testing.assert_allclose(scored[1:], expected, atol=2e-5)
    assert np.isnan(scored[0])


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("cell", CELLS)
def test_int8_follows_the_equations_nearly(cell: Cell, isa: Isa, make_checkpoint: Any, log_probabilities: Any) -> None:
    checkpoint = make_checkpoint(cell, hidden=100, layers=2)
    ids = random_ids(60, 20)
    scored = score(CpuEngine(checkpoint, isa=isa), ids)
    expected = log_probabilities(checkpoint, ids[:-1])[np.arange(59), ids[1:]]
    np.testing.assert_allclose(scored[1:], expected, atol=0.05)
    assert abs(float((scored[1:] - expected).mean())) < 0.005


def score(engine: CpuEngine, ids: Ids) -> Any:
    batch = engine.batch(1)
    batch.add(Sequence(ids, 0, score=True))
    (output,) = batch.step(len(ids))
    assert output.done
    assert output.prompt_logprobs is not None
    return output.prompt_logprobs.chosen


@pytest.mark.skipif(len(ISAS) == 1, reason="this processor has one kernel only")
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(("hidden", "layers", "vocabulary"), [(1, 1, 2), (7, 2, 33), (100, 3, 97), (512, 1, 300)])
@pytest.mark.parametrize("counted", [False, True])
def test_kernels_give_the_same_bits(
    cell: Cell, hidden: int, layers: int, vocabulary: int, counted: bool, make_checkpoint: Any
) -> None:
    checkpoint = make_checkpoint(cell, vocabulary, hidden, layers, seed=hidden)
    model = pack(with_counts(checkpoint) if counted else checkpoint)
    states, ids = [], []
    for isa in ISAS:
        batch = CpuEngine(model, isa=isa).batch(20)
        handles = [batch.add(Sequence(random_ids(1 + i, vocabulary, i), 40, SamplingParams(seed=i))) for i in range(13)]
        ids.append(np.concatenate([output.ids for output in batch.step(100)]))
        states.append(np.stack([leave(batch, handle).hidden for handle in handles]))
    for other in range(1, len(ISAS)):
        assert np.array_equal(ids[0], ids[other])
        assert np.array_equal(states[0], states[other])


@pytest.fixture(scope="module", params=[*CELLS, "float32", "counted"])
def engine(request: pytest.FixtureRequest, make_checkpoint: Callable[..., Checkpoint]) -> CpuEngine:
    cell = request.param if request.param in CELLS else "lstm"
    checkpoint = make_checkpoint(cell, vocabulary=70, hidden=40, layers=2)
    if request.param == "counted":
        checkpoint = with_counts(checkpoint, 800_000)
    return CpuEngine(checkpoint, "float32" if request.param == "float32" else "int8")


def random_sequence(random: np.random.Generator) -> Sequence:
    params = replace(PARAMS[random.integers(len(PARAMS))], seed=int(random.integers(2**63)))
    prompt = random.integers(0, 70, random.integers(1, 40)).astype(np.int32)
    return Sequence(prompt, int(random.integers(0, 50)), params, score=bool(random.integers(2)))


@examples(12)
@given(seed=st.integers(0, 2**32), capacity=st.integers(1, 20))
def test_ids_do_not_depend_on_neighbours_or_steps(engine: CpuEngine, seed: int, capacity: int) -> None:
    random = np.random.default_rng(seed)
    mix = [random_sequence(random) for _ in range(random.integers(2, 40))]
    found, left = mixed(engine, mix, capacity, random, 1, 29)
    for index, sequence in enumerate(mix):
        together = np.concatenate([ids_of(), *(output.ids for output in found[index])])
        assert np.array_equal(together, alone(engine, sequence)[: together.size])
        assert index in left or together.size == sequence.length


@examples(12)
@given(seed=st.integers(0, 2**32), cuts=st.lists(st.integers(1, 20), min_size=1, max_size=4), fresh=st.booleans())
def test_a_removed_sequence_goes_on_from_its_state(engine: CpuEngine, seed: int, cuts: list[int], fresh: bool) -> None:
    sequence = replace(random_sequence(np.random.default_rng(seed)), length=90, score=False)
    expected = alone(engine, sequence)
    batch, found, rest = engine.batch(3), ids_of(), sequence
    for cut in cuts:
        handle = batch.add(rest)
        found = np.concatenate([found, *(output.ids for output in batch.step(cut))])
        state = leave(batch, handle)
        unread = max(0, len(rest.prompt) - (rest.state is None) - cut)
        rest = Sequence(rest.prompt[len(rest.prompt) - unread :], 90 - found.size, sequence.sampling, state)
        batch = engine.batch(2) if fresh else batch
    assert np.array_equal(np.concatenate([found, alone(engine, rest)]), expected)


@pytest.mark.parametrize("params", PARAMS, ids=str)
@pytest.mark.parametrize("counted", [False, True])
def test_it_chooses_what_the_reference_does_and_remembers_what_was_generated(
    params: SamplingParams, counted: bool, make_checkpoint: Any
) -> None:
    checkpoint = make_checkpoint("gru", hidden=24)
    checkpoint = with_counts(checkpoint) if counted else checkpoint
    found: list[Any] = []
    for engine in (CpuEngine(checkpoint, "float32"), ReferenceEngine(checkpoint)):
        batch = engine.batch(1)
        handle = batch.add(Sequence(random_ids(3, 20), 20, params))
        ids = [output.ids for output in batch.step(100)]
        state = leave(batch, handle)
        # More to read, in between, that the sequence has not generated itself.
        handle = batch.add(Sequence(random_ids(9, 20, 1), 90, params, state))
        ids += [output.ids for output in batch.step(16)]
        after = batch.state(handle)
        ids += [output.ids for output in batch.step(200)]
        found.append((np.concatenate(ids).tolist(), after.recent.tolist(), after.generated.tolist(), state.position))
    assert found[0] == found[1]
    assert found[0][2] == [False] * 3 + [True] * 20 + [False] * 9 + [True] * 7
    assert params.allowed_token_ids is None or set(found[0][0]) <= set(params.allowed_token_ids)


def test_256_sequences_are_each_as_if_alone(make_checkpoint: Any) -> None:
    engine = CpuEngine(make_checkpoint("gru", 30, 40))
    batch = engine.batch(256)
    sequences = [Sequence(random_ids(1 + i % 5, 30, i), 20 + i % 7, SamplingParams(seed=i)) for i in range(256)]
    handles = {batch.add(sequence): sequence for sequence in sequences}
    outputs = {output.handle: output for output in batch.step(40)}
    assert len(outputs) == 256
    for handle, sequence in handles.items():
        assert outputs[handle].done
        assert np.array_equal(outputs[handle].ids, alone(engine, sequence))


def test_logarithms_are_the_models_own(engine: CpuEngine) -> None:
    prompt = random_ids(9, 70)
    params = SamplingParams(seed=1, temperature=0.5, top_k=3, repetition_penalty=1.5, logprobs=4)
    batch = engine.batch(1)
    batch.add(Sequence(prompt, 6, params, score=True))
    outputs: list[Output] = [output for _ in range(14) for output in batch.step(1)]
    ids = np.concatenate([output.ids for output in outputs])
    chosen = np.concatenate([output.logprobs.chosen for output in outputs if output.logprobs])
    (of_prompt,) = [output.prompt_logprobs for output in outputs if output.prompt_logprobs]
    whole = np.concatenate([prompt, ids])
    np.testing.assert_array_equal(score(engine, whole), np.concatenate([of_prompt.chosen, chosen]))
    assert of_prompt.top.shape == (9, 4)
    last = outputs[-1].logprobs
    assert last is not None
    assert (np.diff(last.top[0]) <= 0).all()
    assert last.top.dtype == np.float32


@pytest.mark.parametrize("orders", [ORDERS, EARLIER_ORDERS])
def test_counts_are_mixed_as_their_definition_says(
    orders: tuple[int, ...], make_checkpoint: Any, log_probabilities: Any
) -> None:
    checkpoint = make_checkpoint("lstm")
    text = np.concatenate([random_ids(100, 20), random_ids(100, 2, 1)])
    with_table = with_counts(checkpoint)
    assert with_table.ngrams is not None
    with_table = replace(with_table, ngrams=replace(with_table.ngrams, orders=orders))
    scored, network = score(CpuEngine(with_table, "float32"), text), log_probabilities(checkpoint, text[:-1])
    assert with_table.ngrams is not None
    mixed_too = [with_table.ngrams.mix(row.astype(np.float32), text[: 1 + i]) for i, row in enumerate(network)]
    expected = [log_softmax(row)[id_] for row, id_ in zip(mixed_too, text[1:], strict=True)]
    np.testing.assert_allclose(scored[1:], expected, atol=2e-5)
    changed = np.abs(scored[1:] - network[np.arange(199), text[1:]]) > 1e-3
    assert changed[:100].any() and changed[110:].all()


def test_the_state_is_the_networks(make_checkpoint: Any, log_probabilities: Any) -> None:
    checkpoint = make_checkpoint("lstm", hidden=7)
    batch = CpuEngine(checkpoint, "float32").batch(2)
    handle = batch.add(Sequence(random_ids(80, 20), 5, SamplingParams(seed=9)))
    (output,) = batch.step(200)
    state = leave(batch, handle)
    text = np.concatenate([random_ids(80, 20), output.ids])
    assert (state.hidden.shape, state.position, state.last_id) == ((1, 2, 7), 5, text[-1])
    np.testing.assert_array_equal(state.recent, text[-64:])


def test_the_description_names_the_kernel(make_checkpoint: Any) -> None:
    assert CpuEngine(make_checkpoint(), isa="portable").description == "lstm in int8 with portable instructions"


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_only_outputs_are_chosen_even_from_numbers_that_are_none(number: float, make_checkpoint: Any) -> None:
    """No such checkpoint is read; but an address is computed from what is chosen."""
    checkpoint = make_checkpoint("lstm")
    checkpoint.weights["output.weight"][:] = number
    with np.errstate(invalid="ignore", over="ignore"):
        engine = CpuEngine(checkpoint, "float32")
    batch = engine.batch(len(PARAMS))
    for params in PARAMS:
        batch.add(Sequence(np.array([1], dtype=np.int32), 3, params))
    for output in batch.step(3):
        assert 0 <= output.ids.min() <= output.ids.max() < engine.config.outputs
