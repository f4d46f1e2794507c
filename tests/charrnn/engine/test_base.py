"""What charrnn.engine.base promises of any engine's batch, of every engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from charrnn.checkpoint import Checkpoint
from charrnn.engine.base import Batch, Engine, Output, Sequence, State
from charrnn.engine.gpu.reference import ReferenceEngine
from charrnn.sampling import RECENT_IDS, SamplingParams
from charrnn.tasks.arrangement import Arrangement
from charrnn.vocabulary import Ids, Vocabulary
from charrnn.words import WordVocabulary
from tests.charrnn.engine.choosing import NOTHING
from tests.charrnn.engine.conftest import MakeCheckpoint
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


@pytest.mark.parametrize("steps", [1, 7, 1000])
@pytest.mark.parametrize("params", [PARAMS, SamplingParams(seed=3), SamplingParams(seed=4, logprobs=2)])
def test_a_sequence_ends_with_the_end_that_it_chooses(engine: Engine, params: SamplingParams, steps: int) -> None:
    whole = alone(engine, Sequence(ids_of(3, 1), 40, params)).ids
    end, length = int(whole[9]), int(np.flatnonzero(whole == whole[9])[0]) + 1
    shorter, batch = Sequence(ids_of(3, 1), length, params), engine.batch(3)
    handle, other, same = (
        batch.add(Sequence(ids_of(3, 1), 40, params, end_id=end)),
        batch.add(Sequence(ids_of(3, 1), 40, params)),
        batch.add(shorter),
    )
    found: dict[int, list[Output]] = {handle: [], other: [], same: []}
    while not all(outputs and outputs[-1].done for outputs in found.values()):
        for output in batch.step(steps):
            found[output.handle].append(output)
    ids, expected = (np.concatenate([output.ids for output in found[each]]) for each in (handle, same))
    assert ids.tolist() == expected.tolist() == whole[:length].tolist()
    assert np.concatenate([output.ids for output in found[other]]).tolist() == whole.tolist()
    assert [output.ended for output in found[handle]] == [output.done for output in found[handle]]
    assert not any(output.ended for output in found[same] + found[other])
    logprobs = [[output.logprobs.chosen for output in found[each] if output.logprobs] for each in (handle, same)]
    if params.logprobs is not None:
        np.testing.assert_array_equal(np.concatenate(logprobs[0]), np.concatenate(logprobs[1]))
    ended, state = batch.state(handle), batch.state(same)
    assert ended.hidden.tobytes() == state.hidden.tobytes()
    assert (ended.last_id, ended.position) == (state.last_id, state.position) == (end, length)
    assert ended.recent.tolist() == state.recent.tolist()


def test_an_end_that_is_read_ends_nothing(engine: Engine) -> None:
    batch = engine.batch(1)
    handle = batch.add(Sequence(ids_of(5), 0, SamplingParams()))
    state = leave(batch, handle)
    never = SamplingParams(allowed_token_ids=tuple(range(5)))
    output = alone(engine, Sequence(ids_of(5, 5), 8, never, state, end_id=5))
    assert output.done and not output.ended and output.ids.size == 8


ARRANGEMENTS = {
    "records": Arrangement("generate", "line", "\n", ("x", "y", "z")),
    "translations": Arrangement("transduce", "line", "\n"),
    "labels": Arrangement("classify", "line", "\n", ("a", "b", "c", "d", "e")),
    "two labels": Arrangement("tag", "line", "\n", ("a", "b"), 1),
}
WORDS = WordVocabulary(
    ("the", " ", "cat", "'", "sat", "\r", "\n", ".", "don't", "s", *(f"w{chr(97 + i)}" for i in range(26)))
)
AFTER_ALL_IDS = (
    SamplingParams(seed=1),
    SamplingParams(seed=2, repetition_penalty=1.4),
    SamplingParams(seed=3, presence_penalty=1.0, frequency_penalty=-0.5, top_k=3),
    SamplingParams(seed=4, temperature=0, repetition_penalty=0.8, logprobs=3),
    SamplingParams(seed=5, top_k=1000, top_p=0.9, min_p=0.01, logprobs=10_000),
    SamplingParams(seed=6, logit_bias=((0, 3.0),), allowed_token_ids=(0, 1), frequency_penalty=1.0),
)


@pytest.mark.parametrize("tokens", [None, WORDS], ids=["char", "word"])
@pytest.mark.parametrize("name", ARRANGEMENTS)
@pytest.mark.parametrize("built", BUILD)
def test_any_id_may_be_read_but_only_outputs_are_chosen(
    built: str, name: str, tokens: Vocabulary | None, make_checkpoint: MakeCheckpoint, log_probabilities: Any
) -> None:
    checkpoint = make_checkpoint("gru", 100, arrangement=ARRANGEMENTS[name], tokens=tokens)
    engine, outputs, size = BUILD[built](checkpoint), checkpoint.config.outputs, len(checkpoint.vocabulary)
    every = np.random.default_rng(0).permutation(size).astype(np.int32)
    batch, reference = engine.batch(9), ReferenceEngine(checkpoint).batch(9)
    for params in AFTER_ALL_IDS:
        for each in (batch, reference):
            each.add(Sequence(every, 12, params, score=True))
    expected = log_probabilities(checkpoint, every)
    assert expected.shape == (size, outputs)
    for output, same in zip(batch.step(size + 12), reference.step(size + 12), strict=True):
        assert output.done and output.ids.max() < outputs and output.prompt_logprobs
        scores, top = output.prompt_logprobs.chosen[1:], output.prompt_logprobs.top[1:]
        followers = every[1:]
        assert np.isnan(scores).tolist() == (followers >= outputs).tolist()
        known = followers < outputs
        by_hand = expected[:-1][known, followers[known]]
        np.testing.assert_allclose(scores[known], by_hand, atol=0.1 if built == "int8" else 2e-4)
        assert top.shape[1] == min(AFTER_ALL_IDS[output.handle].logprobs or 0, outputs)
        assert output.prompt_logprobs.top_ids.max(initial=0) < outputs and np.isfinite(top).all()
        if built != "int8":
            assert output.ids.tolist() == same.ids.tolist()


@pytest.mark.parametrize(
    "sequence",
    [
        Sequence(ids_of(1), 5, end_id=21),
        Sequence(ids_of(1), 5, SamplingParams(logit_bias=((21, 1.0),))),
        Sequence(ids_of(1), 5, SamplingParams(allowed_token_ids=(22,))),
    ],
)
@pytest.mark.parametrize("built", BUILD)
def test_an_id_that_is_only_read_cannot_be_asked_for(
    built: str, sequence: Sequence, make_checkpoint: MakeCheckpoint
) -> None:
    batch = BUILD[built](make_checkpoint("rnn", V, arrangement=ARRANGEMENTS["records"])).batch(1)
    with pytest.raises(ValueError, match=r"must be from 0 to 20, not 2[12]"):
        batch.add(sequence)
    batch.add(Sequence(ids_of(21, 22, 23), 5, end_id=20))


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
