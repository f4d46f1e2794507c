"""What holding cells means, in every engine: by the equations, in any batch, on any processor, across states."""

from __future__ import annotations

from dataclasses import replace
from itertools import repeat
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn import cells
from charrnn.checkpoint import Checkpoint
from charrnn.config import CELLS, PARTS, Cell, ModelConfig, Part
from charrnn.engine.base import Batch, Engine, Output, Sequence, Series
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.engine.cpu.instructions import host_features, runnable_isas
from charrnn.engine.refilled import state_after
from charrnn.engine.steering import LARGEST, MOST_HELD, Held, check_held
from charrnn.sampling import SamplingParams
from charrnn.vocabulary import Ids
from tests.charrnn.engine.choosing import sampled
from tests.charrnn.engine.conftest import Floats, MakeCheckpoint
from tests.charrnn.engine.engines import BUILD
from tests.charrnn.engine.leaving import leave
from tests.charrnn.engine.mixing import mixed
from tests.charrnn.engine.serial import all_of, one_by_one
from tests.laws import examples

V, HIDDEN, LAYERS = 20, 24, 2
NOTHING = np.zeros(0, np.int32)
ISAS = runnable_isas(host_features())
CONFIGS = {cell: ModelConfig(V, cell, HIDDEN, LAYERS) for cell in CELLS}


def random_ids(n: int, seed: int = 0) -> Ids:
    return np.random.default_rng(seed).integers(0, V, n).astype(np.int32)


def parts_of(cell: Cell) -> tuple[Part, ...]:
    return PARTS[: CONFIGS[cell].state_parts]


@st.composite
def steering(draw: st.DrawFn, cell: Cell, least: int = 0) -> tuple[Held, ...]:
    places = st.tuples(st.integers(0, LAYERS - 1), st.integers(0, HIDDEN - 1), st.sampled_from(parts_of(cell)))
    return tuple(
        Held(layer, unit, part, draw(st.floats(-1, 1) if part == "hidden" else st.floats(-LARGEST, LARGEST)))
        for layer, unit, part in draw(st.lists(places, min_size=least, max_size=MOST_HELD, unique=True))
    )


@st.composite
def sequences(draw: st.DrawFn, cell: Cell) -> Sequence:
    prompt = np.array(draw(st.lists(st.integers(0, V - 1), min_size=1, max_size=20)), np.int32)
    return Sequence(
        prompt,
        draw(st.integers(0, 20)),
        draw(sampled(V)),
        score=draw(st.booleans()),
        held=draw(st.just(()) | steering(cell)),
        steered=draw(st.integers(0, prompt.size)),
    )


@pytest.fixture(scope="module")
def checkpoints(make_checkpoint: MakeCheckpoint) -> dict[Cell, Checkpoint]:
    return {cell: make_checkpoint(cell, V, HIDDEN, LAYERS) for cell in CELLS}


COMPILED = [(built, cell) for built in ("int8", "float32") for cell in CELLS]
"""Each cell's kernel is code of its own; the other engines read the same places of any cell's state."""


@pytest.fixture(scope="module", params=[*COMPILED, ("reference", "gru"), ("gpu", "lstm")], ids="-".join)
def engine(request: pytest.FixtureRequest, checkpoints: dict[Cell, Checkpoint]) -> Engine:
    built, cell = request.param
    return BUILD[built](checkpoints[cell])


def cell_of(engine: Any) -> Cell:
    found: Cell = engine.config.cell
    return found


def text(batch: Batch, sequence: Sequence) -> tuple[list[int], Any]:
    """The ids of the sequence, and the hidden state after it, which leaves the batch."""
    handle = batch.add(sequence)
    ids = [output.ids for output in batch.step(1000) if output.handle == handle]
    return np.concatenate([NOTHING, *ids]).tolist(), leave(batch, handle).hidden


def expected(checkpoint: Checkpoint, ids: Ids, held: tuple[Held, ...], first: int) -> Floats:
    """[n, outputs]: row i is what the network expects after ids 0 to i, by the equations of charrnn.cells; cells are
    held in the step that reads id `first` and all later ones."""
    config = checkpoint.config
    weights = {name: weight.astype(np.float64) for name, weight in checkpoint.weights.items()}
    state, rows = cells.initial_state(config), []
    for index, id_ in enumerate(ids.tolist()):
        x = np.eye(config.vocabulary_size)[id_]
        for layer in range(config.layers):
            parameters = cells.LayerWeights.of(weights, layer)
            if config.cell == "lstm":
                state[layer] = cells.lstm(parameters, x, state[layer, 0], state[layer, 1])
            else:
                state[layer, 0] = (cells.rnn if config.cell == "rnn" else cells.gru)(parameters, x, state[layer, 0])
            for each in held:
                if each.layer == layer and index >= first:
                    state[each.index] = each.value
            x = state[layer, 0]
        logits = weights["output.weight"] @ x + weights["output.bias"]
        rows.append(logits - np.log(np.exp(logits).sum()))
    return np.array(rows)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("steered", [0, 1, 25, 30])
def test_it_follows_the_equations(
    engine: Engine, part: Part, steered: int, checkpoints: dict[Cell, Checkpoint], request: pytest.FixtureRequest
) -> None:
    cell = cell_of(engine)
    held = tuple(Held(unit % 2, unit, p, (-1) ** unit * 0.75) for unit in range(8) for p in parts_of(cell) if p == part)
    ids, batch = random_ids(30), engine.batch(1)
    handle = batch.add(Sequence(ids, 5, SamplingParams(seed=1, logprobs=V), score=True, held=held, steered=steered))
    outputs = list(batch.step(100))
    (of_prompt,) = [output.prompt_logprobs for output in outputs if output.prompt_logprobs]
    (chosen,) = [output for output in outputs if output.ids.size]
    whole = np.concatenate([ids, chosen.ids])
    wanted = expected(checkpoints[cell], whole, held, 29 - steered)[np.arange(34), whole[1:]]
    assert chosen.logprobs is not None and chosen.handle == handle
    found = np.concatenate([of_prompt.chosen[1:], chosen.logprobs.chosen])
    np.testing.assert_allclose(found, wanted, atol=0.1 if "int8" in request.node.name else 2e-4)
    free = expected(checkpoints[cell], whole, (), 0)[np.arange(34), whole[1:]]
    first = max(0, 29 - steered) + (part == "cell")  # from here on what is held is read
    np.testing.assert_array_equal(wanted[:first], free[:first])
    assert not held or (np.abs(wanted - free)[first:] > 1e-3).mean() > 0.8


def test_the_state_has_what_is_held_and_a_free_sequence_moves_away_from_it(engine: Engine) -> None:
    parts = parts_of(cell_of(engine))
    held = tuple(Held(layer, 3 + layer, part, 0.5 - layer) for layer in range(LAYERS) for part in parts)
    batch, near = engine.batch(1), 1 / 250
    handle = batch.add(Sequence(random_ids(3), 4, held=held))
    for step in range(6):
        batch.step(1)
        for each in held:
            found = float(batch.state(handle).hidden[each.index])
            assert (abs(found - each.value) <= near) == (step >= 2)
    state = leave(batch, handle)
    _, after = text(batch, Sequence(NOTHING, 1, state=state))
    assert all(abs(float(after[each.index]) - each.value) > near for each in held)


@examples(4)
@given(data=st.data())
def test_a_state_goes_on_as_one_text_if_the_same_is_held(engine: Engine, data: st.DataObject) -> None:
    drawn = data.draw(sequences(cell_of(engine)))
    whole = replace(drawn, length=12, score=False)
    cut, batch = data.draw(st.integers(0, 12)), engine.batch(2)
    ids, hidden = text(batch, whole)
    handle = batch.add(replace(whole, length=cut))
    first = [output.ids for output in batch.step(100)]
    rest = replace(whole, prompt=NOTHING, length=12 - cut, state=leave(batch, handle), steered=0)
    last, after = text(batch, rest)
    assert np.concatenate([NOTHING, *first]).tolist() + last == ids
    assert after.tobytes() == hidden.tobytes()


@examples(4)
@given(data=st.data())
def test_what_was_generated_can_be_read_again(engine: Engine, data: st.DataObject) -> None:
    sequence = replace(data.draw(sequences(cell_of(engine))), steered=0, score=False)
    ids, hidden = text(engine.batch(1), sequence)
    again = np.concatenate([sequence.prompt, np.array(ids, np.int32)])
    same, after = text(engine.batch(1), replace(sequence, prompt=again, length=0, steered=len(ids)))
    assert same == [] and after.tobytes() == hidden.tobytes()


@examples(4)
@given(data=st.data())
def test_neighbours_do_not_feel_it_and_it_does_not_feel_them(engine: Engine, data: st.DataObject) -> None:
    mix = data.draw(st.lists(sequences(cell_of(engine)), min_size=2, max_size=12))
    random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    found, left = mixed(engine, mix, data.draw(st.integers(1, 9)), random, 1, 15)
    for index, sequence in enumerate(mix):
        alone = engine.batch(1)
        alone.add(sequence)
        assert index in left or bytes_of(found[index]) == bytes_of(list(alone.step(1000)))


def bytes_of(outputs: list[Output]) -> bytes:
    arrays = [output.ids for output in outputs]
    arrays += [output.prompt_logprobs.chosen for output in outputs if output.prompt_logprobs]  # type: ignore[misc]
    return b"".join(array.tobytes() for array in arrays)


@pytest.mark.skipif(len(ISAS) == 1, reason="this processor has one kernel only")
@pytest.mark.parametrize("cell", CELLS)
@examples(10)
@given(data=st.data())
def test_every_kernel_gives_the_same_bits(cell: Cell, checkpoints: dict[Cell, Checkpoint], data: st.DataObject) -> None:
    mix = data.draw(st.lists(sequences(cell), min_size=1, max_size=9))
    found = []
    for isa in ISAS:
        batch = CpuEngine(checkpoints[cell], isa=isa).batch(9)
        handles = [batch.add(sequence) for sequence in mix]
        outputs = [(output.handle, bytes_of([output])) for output in batch.step(1000)]
        found.append((sorted(outputs), [leave(batch, handle).hidden.tobytes() for handle in handles]))
    assert all(other == found[0] for other in found)


@examples(4)
@given(data=st.data())
def test_candidates_of_a_series_hold_it_too(engine: Engine, data: st.DataObject) -> None:
    state = state_after(engine, random_ids(5))
    held = data.draw(steering(cell_of(engine), 1))
    sampling = data.draw(sampled(V))
    series = Series(state, data.draw(st.integers(1, 9)), sampling, end_id=1, first=3, stop=20, held=held)
    steps = repeat(data.draw(st.integers(1, 9)))
    assert all_of(engine.series(series, data.draw(st.integers(1, 5))), steps) == one_by_one(
        engine, series, range(3, 20)
    )


@pytest.mark.parametrize(
    ("cell", "held", "message"),
    [
        ("lstm", [Held(2, 0, "hidden", 0)], r"^held\[0\].layer must be from 0 to 1, not 2$"),
        ("lstm", [Held(0, 24, "cell", 0)], r"^held\[0\].unit must be from 0 to 23, not 24$"),
        ("lstm", [Held(-1, 0, "cell", 0)], r"^held\[0\].layer must be an integer from 0 to \d+, not -1$"),
        ("lstm", [Held(0, -1, "cell", 0)], r"^held\[0\].unit must be an integer from 0 to \d+, not -1$"),
        ("gru", [Held(0, 0, "cell", 0)], r"^held\[0\].part must be hidden, not cell: the network is of gru cells$"),
        ("lstm", [Held(0, 0, "gate", 0)], r"^held\[0\].part must be one of hidden, cell, not 'gate'$"),  # type: ignore[arg-type]
        (
            "rnn",
            [Held(0, 0, "hidden", 0), Held(0, 1, "hidden", 1.01)],
            r"^held\[1\].value must be from -1 to 1 for a hid",
        ),
        ("lstm", [Held(0, 0, "cell", 1000.5)], r"^held\[0\].value must be a number from -1000 to 1000, not 1000.5$"),
        ("lstm", [Held(0, 0, "cell", float("nan"))], r"^held\[0\].value must be a number from -1000 to 1000, not nan$"),
        ("lstm", [Held(0, 0, "cell", float("inf"))], "not inf"),
        (
            "lstm",
            [Held(0, 5, "cell", 1), Held(0, 5, "hidden", 1), Held(0, 5, "cell", 1)],
            r"held\[2\] must be another cell",
        ),
        ("lstm", [Held(0, unit, "cell", 1) for unit in range(17)], "^held must be at most 16 cells, not 17$"),
    ],
)
def test_what_cannot_be_held_is_refused(cell: Cell, held: list[Held], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_held(held, CONFIGS[cell])


@pytest.mark.parametrize("steered", [-1, 4])
def test_only_ids_of_the_prompt_can_be_steered(engine: Engine, steered: int) -> None:
    with pytest.raises(ValueError, match=f"^steered must be from 0 to 3, not {steered}$"):
        engine.batch(1).add(Sequence(random_ids(3), 1, steered=steered))


def test_a_batch_refuses_what_cannot_be_held_and_stays_empty(engine: Engine) -> None:
    batch = engine.batch(1)
    with pytest.raises(ValueError, match=r"^held\[0\].unit must be from 0 to 23, not 24$"):
        batch.add(Sequence(random_ids(3), 1, held=(Held(0, 24, "hidden", 0.5),)))
    assert len(batch) == 0
    _, hidden = text(batch, Sequence(random_ids(3), 9, held=tuple(Held(1, i, "hidden", 1) for i in range(MOST_HELD))))
    np.testing.assert_allclose(hidden[1, 0, :MOST_HELD], 1)


def test_a_slot_holds_only_what_its_own_sequence_does(engine: Engine) -> None:
    sequence = Sequence(random_ids(3), 20, SamplingParams(seed=5))
    batch = engine.batch(1)
    wanted = text(engine.batch(1), sequence)
    text(batch, replace(sequence, held=(Held(0, 0, "hidden", 1.0), Held(1, 7, "hidden", -1.0))))
    ids, hidden = text(batch, sequence)
    assert ids == wanted[0] and hidden.tobytes() == wanted[1].tobytes()
