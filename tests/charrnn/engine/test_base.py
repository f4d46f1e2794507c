"""What charrnn.engine.base promises of any engine's batch, of every engine."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from charrnn.checkpoint import Checkpoint
from charrnn.engine.base import Batch, Engine, Output, Sequence, State
from charrnn.sampling import RECENT_IDS, SamplingParams
from charrnn.vocabulary import Ids
from tests.charrnn.engine.choosing import NOTHING
from tests.charrnn.engine.engines import BUILD
from tests.charrnn.engine.leaving import leave

V = 20
PARAMS = SamplingParams(seed=9, temperature=0.9, repetition_penalty=1.5, frequency_penalty=0.3)


@pytest.fixture(scope="module", params=BUILD)
def engine(request: pytest.FixtureRequest, make_checkpoint: Callable[..., Checkpoint]) -> Engine:
    return BUILD[request.param](make_checkpoint("lstm", V, 24, layers=2))


def ids_of(*values: int) -> Ids:
    return np.array(values, dtype=np.int32)


def outputs_of(batch: Batch, steps: int = 1000) -> dict[int, Output]:
    return {output.handle: output for output in batch.step(steps)}


def alone(engine: Engine, sequence: Sequence) -> Output:
    batch = engine.batch(1)
    handle = batch.add(sequence)
    return outputs_of(batch)[handle]


def test_ids_come_as_the_steps_choose_them(engine: Engine) -> None:
    batch = engine.batch(2)
    sequence = Sequence(ids_of(1, 2, 3), 4, SamplingParams(logprobs=2))
    handle = batch.add(sequence)
    assert list(batch.step(2)) == []  # two of the prompt's three ids are read
    (first,) = batch.step(1)
    (second,) = batch.step(2)
    (last,) = batch.step(50)
    assert [output.ids.size for output in (first, second, last)] == [1, 2, 1]
    assert [output.done for output in (first, second, last)] == [False, False, True]
    assert list(batch.step(1)) == []
    assert len(batch) == 1 and handle == last.handle
    whole = alone(engine, sequence)
    assert [*first.ids, *second.ids, *last.ids] == whole.ids.tolist()
    assert whole.logprobs is not None
    pieces = [output.logprobs.chosen for output in (first, second, last) if output.logprobs]
    np.testing.assert_array_equal(np.concatenate(pieces), whole.logprobs.chosen)


def test_what_is_done_is_reported_once_and_stays_as_it_is_while_others_go_on(engine: Engine) -> None:
    batch = engine.batch(3)
    nothing, short, long_ = (batch.add(Sequence(ids_of(1), n, SamplingParams(seed=n))) for n in (0, 3, 30))
    other = engine.batch(1)
    exactly = other.add(Sequence(ids_of(1), 3, SamplingParams(seed=3)))
    assert [output.done for output in other.step(3)] == [True]
    first = outputs_of(batch, 5)
    assert {handle: (output.done, output.ids.size) for handle, output in first.items()} == {
        nothing: (True, 0),
        short: (True, 3),
        long_: (False, 5),
    }
    assert list(outputs_of(batch, 5)) == [long_]
    assert batch.state(short).hidden.tobytes() == other.state(exactly).hidden.tobytes()
    assert len(batch) == 3


def test_what_was_removed_before_it_was_reported_is_not(engine: Engine) -> None:
    batch = engine.batch(1)
    batch.remove(batch.add(Sequence(ids_of(4), 0)))
    assert list(batch.step(1)) == []


@pytest.mark.parametrize("cut", [0, 1, 2, 9])
def test_a_state_goes_on_elsewhere_as_if_nothing_had_happened(engine: Engine, cut: int) -> None:
    whole = alone(engine, Sequence(ids_of(3, 1, 4), 12, PARAMS)).ids.tolist()
    batch = engine.batch(3)
    handle = batch.add(Sequence(ids_of(3, 1, 4), cut, PARAMS))
    first = outputs_of(batch)[handle]
    state = leave(batch, handle)
    assert first.done and len(batch) == 0
    assert (state.position, state.last_id) == (cut, [4, *whole][cut])
    assert state.recent.tolist() == [3, 1, 4, *whole[:cut]]
    assert state.generated.tolist() == [False] * 3 + [True] * cut
    rest = alone(engine, Sequence(ids_of(), 12 - cut, PARAMS, state))
    assert first.ids.tolist() + rest.ids.tolist() == whole


def test_a_state_inside_the_prompt_is_that_of_the_next_id_to_be_read(engine: Engine) -> None:
    batch = engine.batch(1)
    handle = batch.add(Sequence(ids_of(3, 1, 4, 1), 5))
    assert list(batch.step(2)) == []
    state = leave(batch, handle)
    assert (state.last_id, state.position, state.recent.tolist()) == (4, 0, [3, 1, 4])
    assert not state.generated.any() and state.hidden.shape == (2, 2, 24)
    rest = alone(engine, Sequence(ids_of(1), 5, state=state))
    assert rest.ids.tolist() == alone(engine, Sequence(ids_of(3, 1, 4, 1), 5)).ids.tolist()


def test_a_state_keeps_only_the_latest_ids(engine: Engine) -> None:
    batch = engine.batch(1)
    handle = batch.add(Sequence(ids_of(*[2] * 50), 100, PARAMS))
    ids = outputs_of(batch)[handle].ids
    state = leave(batch, handle)
    assert state.recent.tolist() == ids[-RECENT_IDS:].tolist()
    assert state.generated.all() and state.last_id == ids[-1]


def test_a_state_scores_what_follows_it(engine: Engine) -> None:
    text = np.random.default_rng(0).integers(0, V, 20).astype(np.int32)
    batch = engine.batch(1)
    handle = batch.add(Sequence(text[:8], 0, score=True))
    batch.step(100)
    rest = alone(engine, Sequence(text[8:], 0, state=leave(batch, handle), score=True)).prompt_logprobs
    whole = alone(engine, Sequence(text, 0, score=True)).prompt_logprobs
    assert rest and whole
    assert np.isnan(whole.chosen).tolist() == [True] + [False] * 19
    np.testing.assert_array_equal(rest.chosen, whole.chosen[8:])


def test_one_id_to_score_is_done_without_a_step(engine: Engine) -> None:
    batch = engine.batch(1)
    batch.add(Sequence(ids_of(4), 0, score=True))
    (output,) = batch.step(0)
    assert output.done and output.prompt_logprobs and np.isnan(output.prompt_logprobs.chosen).tolist() == [True]
    assert list(batch.step(5)) == []


def test_a_prompts_logprobs_come_once_and_before_the_text_is_done(engine: Engine) -> None:
    batch = engine.batch(1)
    batch.add(Sequence(ids_of(4, 8, 15), 3, score=True))
    assert list(batch.step(1)) == []
    (scored,) = batch.step(1)
    assert scored.prompt_logprobs and scored.prompt_logprobs.chosen.size == 3 and not scored.done
    assert [output.prompt_logprobs for output in batch.step(9)] == [None]


def test_no_logprobs_unless_asked_for_though_a_neighbour_asks(engine: Engine) -> None:
    batch = engine.batch(3)
    without, none, all_ = (batch.add(Sequence(ids_of(1), 3, SamplingParams(logprobs=n))) for n in (None, 0, V + 7))
    outputs = outputs_of(batch)
    assert outputs[without].logprobs is None
    for handle, top in ((none, 0), (all_, V)):
        logprobs = outputs[handle].logprobs
        assert logprobs and logprobs.chosen.shape == (3,) and logprobs.top.shape == (3, top)


def test_a_full_batch_takes_no_more_until_one_leaves(engine: Engine) -> None:
    batch = engine.batch(2)
    first, _ = batch.add(Sequence(ids_of(1), 1)), batch.add(Sequence(ids_of(2), 1))
    with pytest.raises(OverflowError, match="the batch is full with 2 sequences"):
        batch.add(Sequence(ids_of(3), 1))
    batch.step(1)
    assert len(batch) == 2
    batch.remove(first)
    third = batch.add(Sequence(ids_of(3), 2))
    assert outputs_of(batch)[third].ids.tolist() == alone(engine, Sequence(ids_of(3), 2)).ids.tolist()
    with pytest.raises(KeyError):
        batch.remove(first)
    with pytest.raises(KeyError):
        batch.state(first)


@pytest.mark.parametrize(
    ("sequence", "message"),
    [
        (Sequence(ids_of(), 5), "at least one id"),
        (Sequence(ids_of(V), 5), f"from 0 to {V - 1}, not {V}"),
        (Sequence(ids_of(1), 5, SamplingParams(allowed_token_ids=())), "at least one id"),
        (Sequence(ids_of(), 5, state=State(np.zeros((1, 1, 3), np.float32), 0, 0, *NOTHING)), "shape"),
    ],
)
def test_a_sequence_that_cannot_run_is_refused_and_takes_no_slot(
    engine: Engine, sequence: Sequence, message: str
) -> None:
    batch = engine.batch(1)
    with pytest.raises(ValueError, match=message):
        batch.add(sequence)
    assert len(batch) == 0
    batch.add(Sequence(ids_of(1), 1))


def test_a_batch_holds_at_least_one(engine: Engine) -> None:
    with pytest.raises(ValueError, match="capacity must be at least 1, not 0"):
        engine.batch(0)
