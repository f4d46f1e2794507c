"""Texts that fit, from every engine."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from itertools import repeat
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn import cells
from charrnn.checkpoint import Checkpoint
from charrnn.engine.base import Batch, Engine, Output, Sequence, Series
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.engine.cpu.instructions import Precision, host_features, runnable_isas
from charrnn.engine.refilled import state_after
from charrnn.engine.steering import Held
from charrnn.patterns.automaton import Fit
from charrnn.sampling import RECENT_IDS, SamplingParams, adjusted, choose, unnormalized_probs
from charrnn.vocabulary import Ids
from charrnn.words import WordVocabulary
from tests.charrnn.engine.automata import automaton_of, fits, random_automaton, texts
from tests.charrnn.engine.choosing import is_borderline, sampled
from tests.charrnn.engine.conftest import MakeCheckpoint
from tests.charrnn.engine.engines import BUILD
from tests.charrnn.engine.leaving import leave
from tests.charrnn.engine.mixing import mixed
from tests.charrnn.engine.serial import all_of, one_by_one
from tests.laws import examples
from tests.networks import with_counts

V = 20
ABS = automaton_of([[1, -1], [-1, 0]], [0], V)  # (ab)*
ABC = automaton_of([[1], [-1, 2], [-1, -1, 3], []], [3], V)  # abc
WORD = automaton_of([[1] * 15, [1] * 15], [1], V)  # [a-o]+
EMPTY = automaton_of([[]], [0], V)
FITTING = [*BUILD]
ISAS = runnable_isas(host_features())


@pytest.fixture(scope="module")
def checkpoint(make_checkpoint: MakeCheckpoint) -> Checkpoint:
    return make_checkpoint("lstm", V, 24, layers=2)


@pytest.fixture(scope="module", params=FITTING)
def engine(request: pytest.FixtureRequest, checkpoint: Checkpoint) -> Engine:
    return BUILD[request.param](checkpoint)


@pytest.fixture(scope="module", params=[name for name in FITTING if name != "int8"])
def exact(request: pytest.FixtureRequest, checkpoint: Checkpoint) -> Engine:
    """An engine that computes what the equations give, up to rounding."""
    return BUILD[request.param](checkpoint)


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


@st.composite
def fitting(draw: st.DrawFn, most: int = 12) -> Sequence:
    """Any sequence with something to fit, from any state of a small automaton, with any sampling parameters."""
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    params = replace(draw(sampled(V)), temperature=draw(st.sampled_from([0.0, 0.3, 1.0, 2.0, 3.0])))
    end = draw(st.none() | st.integers(0, V - 1))
    allowed = range(V) if params.allowed_token_ids is None else params.allowed_token_ids
    automaton = random_automaton(random, V, [id_ for id_ in allowed if id_ != end])
    state = int(random.integers(len(automaton)))
    length = draw(st.integers(int(automaton.distances[state]), most + int(automaton.distances[state])))
    prompt = random.integers(0, V, int(random.integers(1, 9))).astype(np.int32)
    logprobs = draw(st.none() | st.integers(0, V))
    score = draw(st.booleans())
    return Sequence(
        prompt, length, replace(params, logprobs=logprobs), score=score, end_id=end, fit=Fit(automaton, state)
    )


def check_whole(sequence: Sequence, output: Output) -> None:
    """The text fits; what ended it is said."""
    assert sequence.fit is not None and output.done
    text = output.ids[: output.ids.size - output.ended]
    assert fits(sequence.fit.automaton, text, sequence.fit.state)
    assert output.completed == (output.ids.size < sequence.length and not output.ended)
    assert output.ids.size <= sequence.length


@examples(40)
@given(sequence=fitting())
def test_every_text_fits(engine: Engine, sequence: Sequence) -> None:
    _, output = add(engine.batch(1), sequence)
    check_whole(sequence, output)
    if sequence.sampling.logprobs is not None:
        assert output.logprobs is not None and output.logprobs.chosen.size == output.ids.size
        whole = np.concatenate([sequence.prompt, output.ids])
        _, read = add(engine.batch(1), Sequence(whole, 0, score=True))
        assert read.prompt_logprobs is not None
        np.testing.assert_array_equal(output.logprobs.chosen, read.prompt_logprobs.chosen[sequence.prompt.size :])


def differences(checkpoint: Checkpoint, sequence: Sequence, output: Output) -> list[str]:
    """Where the ids are not those that the network's equations and charrnn.sampling give, rounding apart."""
    config, weights, fit = checkpoint.config, checkpoint.weights, sequence.fit
    found, ids, state = [], sequence.prompt.tolist(), cells.initial_state(config)
    for id_ in ids[:-1]:
        _, state = cells.step(config, weights, id_, state)
    chosen = [{id_} for id_ in output.ids.tolist()]
    for t in range(output.ids.size + output.completed):
        assert fit is not None
        left = sequence.length - t
        if t == len(chosen):
            if fit.is_over(left):
                break
            ending = set(np.flatnonzero(~fit.automaton.choosable(fit.state, left)).tolist())
            chosen.append(ending - {sequence.end_id})
        logits, state = cells.step(config, weights, ids[-1], state)
        mask = fit.mask(left)
        masked = (logits if mask is None else np.where(mask == 0, logits, -1e9)).astype(np.float32)
        latest = np.array(ids[-RECENT_IDS:], np.int32), (np.arange(len(ids)) >= sequence.prompt.size)[-RECENT_IDS:]
        expected = choose(masked, sequence.sampling, *latest, t)
        if expected not in chosen[t] and not any(
            _is_nearly(masked, sequence.sampling, *latest, t, id_) for id_ in chosen[t]
        ):
            found.append(f"{chosen[t]} at {t}, not {expected}")
        if t < output.ids.size:
            ids.append(int(output.ids[t]))
            fit = fit.after(ids[-1], left) or fit
    return found


def _is_nearly(logits: Any, params: SamplingParams, recent: Ids, generated: Any, position: int, found: int) -> bool:
    if params.temperature == 0:
        known = adjusted(logits, params, recent, generated)
        return bool(known[found] >= known.max() - 1e-4)
    return is_borderline(logits, params, recent, generated, position, found)


@examples(40)
@given(sequence=fitting())
def test_ids_are_those_of_the_definition(exact: Engine, checkpoint: Checkpoint, sequence: Sequence) -> None:
    _, output = add(exact.batch(1), sequence)
    assert differences(checkpoint, sequence, output) == []


@pytest.mark.skipif(len(ISAS) == 1, reason="this processor has one kernel only")
@pytest.mark.parametrize("precision", ["int8", "float32"])
@examples(15)
@given(sequences=st.lists(fitting(), min_size=1, max_size=9))
def test_instruction_sets_give_the_same(
    precision: Precision, checkpoint: Checkpoint, sequences: list[Sequence]
) -> None:
    found = []
    for isa in ISAS:
        batch = CpuEngine(checkpoint, precision, isa).batch(len(sequences))
        handles = [batch.add(sequence) for sequence in sequences]
        outputs = {output.handle: output for output in batch.step(100)}
        found.append(
            [
                (outputs[handle].ids.tolist(), outputs[handle].completed, batch.state(handle).hidden.tobytes())
                for handle in handles
            ]
        )
    assert all(each == found[0] for each in found)


@examples(10)
@given(
    sequences=st.lists(fitting(), min_size=1, max_size=16),
    seed=st.integers(0, 2**32),
    capacity=st.integers(1, 12),
)
def test_a_text_depends_on_neither_neighbours_nor_steps(
    engine: Engine, sequences: list[Sequence], seed: int, capacity: int
) -> None:
    random = np.random.default_rng(seed)
    every = [sequence if i % 3 else replace(sequence, fit=None) for i, sequence in enumerate(sequences)]
    found, left = mixed(engine, every, capacity, random, 1, 9)
    for index, sequence in enumerate(every):
        _, alone = add(engine.batch(1), sequence)
        together = np.concatenate([ids_of(), *(output.ids for output in found[index])])
        assert together.tolist() == alone.ids[: together.size].tolist()
        if index not in left:
            last = found[index][-1]
            assert (together.size, last.done, last.completed) == (alone.ids.size, True, alone.completed)


@examples(10)
@given(sequence=fitting(30), cuts=st.lists(st.integers(1, 9), min_size=1, max_size=4))
def test_a_text_that_was_cut_off_goes_on_with_the_rest_of_its_length(
    engine: Engine, sequence: Sequence, cuts: list[int]
) -> None:
    sequence = replace(sequence, score=False)
    assert sequence.fit is not None
    _, whole = add(engine.batch(1), sequence)
    rest, ids = sequence, list[int]()
    for cut in cuts:
        batch = engine.batch(2)
        handle = batch.add(rest)
        outputs = list(batch.step(cut))
        ids += [id_ for output in outputs for id_ in output.ids.tolist()]
        if outputs and outputs[-1].done:
            break
        unread = max(0, rest.prompt.size - (rest.state is None) - cut)
        fit = Fit(sequence.fit.automaton, sequence.fit.automaton.after(sequence.fit.state, ids))
        state = leave(batch, handle)
        prompt = rest.prompt[rest.prompt.size - unread :]
        rest = replace(rest, prompt=prompt, length=sequence.length - len(ids), state=state, fit=fit)
    else:
        _, output = add(engine.batch(1), rest)
        ids += output.ids.tolist()
        assert (output.completed, output.ended) == (whole.completed, whole.ended)
    assert ids == whole.ids.tolist()


SMALL = automaton_of([[1, 2, -1, 1], [3, -1, 1, -1], [4, 3, 3, -1], [-1, 3], [3, 4]], [3], V)


@pytest.mark.parametrize(
    "params",
    [
        SamplingParams(),
        SamplingParams(temperature=3.0, logit_bias=((1, 2.0),)),
        SamplingParams(temperature=0.8, top_k=2),
        SamplingParams(temperature=1.5, min_p=0.2, presence_penalty=0.7),
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["int8", "float32"])
def test_texts_come_as_often_as_they_should(name: str, checkpoint: Checkpoint, params: SamplingParams) -> None:
    """The shares of all texts within the length, by a chi-squared test at 1 in 10,000 (Wilson and Hilferty's
    approximation of the quantile). The other engines, which are slower, choose the same ids as float32."""
    engine = BUILD[name](checkpoint)
    count, length, prompt = 3000, 4, [5, 1]
    expected = probabilities(checkpoint, params, prompt, Fit(SMALL), length)
    assert sum(expected.values()) == pytest.approx(1)
    if params.top_k == 0 and params.min_p == 0:
        assert expected.keys() == set(texts(SMALL, length))  # no text is impossible
    series = Series(state_after(engine, ids_of(*prompt)), length, params, fit=Fit(SMALL), stop=count)
    drawn = Counter(tuple(ids) for ids, _ in all_of(engine.series(series, 64), repeat(8)).values())
    assert drawn.keys() <= expected.keys()
    common = [text for text, share in expected.items() if share * count >= 5]
    rare = count - sum(drawn[text] for text in common), count * (1 - sum(expected[text] for text in common))
    pairs = [(drawn[text], count * expected[text]) for text in common]
    pairs += [rare] if rare[1] > 1 else []
    squares = sum((seen - mean) ** 2 / mean for seen, mean in pairs)
    free = len(pairs) - 1
    assert free > 2 and squares < free * (1 - 2 / (9 * free) + 3.72 * (2 / (9 * free)) ** 0.5) ** 3


def probabilities(
    checkpoint: Checkpoint, params: SamplingParams, prompt: list[int], fit: Fit, length: int
) -> dict[tuple[int, ...], float]:
    """Of every text: the product of the shares that charrnn.sampling gives each of its ids, and its end."""
    config, weights = checkpoint.config, checkpoint.weights
    found: dict[tuple[int, ...], float] = defaultdict(float)

    def visit(text: tuple[int, ...], state: Any, fit: Fit, probability: float) -> None:
        left = length - len(text)
        if left == 0 or fit.is_over(left):
            found[text] += probability
            return
        ids = [*prompt, *text]
        logits, after = cells.step(config, weights, ids[-1], state)
        mask = fit.mask(left)
        latest = np.array(ids, np.int32), np.arange(len(ids)) >= len(prompt)
        masked = (logits if mask is None else np.where(mask == 0, logits, -1e9)).astype(np.float32)
        shares = unnormalized_probs(adjusted(masked, params, *latest), params).astype(np.float64)
        for id_, share in enumerate((shares / shares.sum()).tolist()):
            if share and (then := fit.after(id_, left)) is None:
                found[text] += probability * share
            elif share and then is not None:
                visit((*text, id_), after, then, probability * share)

    state = cells.initial_state(config)
    for id_ in prompt[:-1]:
        _, state = cells.step(config, weights, id_, state)
    visit((), state, fit, 1.0)
    return found


@examples(10)
@given(sequence=fitting(), slots=st.integers(1, 9), steps=st.integers(1, 20), first=st.integers(0, 2**40))
def test_candidates_of_a_series_fit(engine: Engine, sequence: Sequence, slots: int, steps: int, first: int) -> None:
    assert sequence.fit is not None
    params = replace(sequence.sampling, logprobs=None)
    series = Series(
        state_after(engine, sequence.prompt),
        max(1, sequence.length),
        params,
        sequence.end_id,
        first,
        first + 20,
        fit=sequence.fit,
    )
    found = all_of(engine.series(series, slots), repeat(steps))
    assert found == one_by_one(engine, series, range(first, first + 20))
    assert all(fits(sequence.fit.automaton, ids_of(*ids), sequence.fit.state) for ids, _ in found.values())


def test_a_series_of_empty_texts_ends(engine: Engine) -> None:
    series = Series(state_after(engine, ids_of(3)), 5, fit=Fit(EMPTY), stop=300)
    assert all_of(engine.series(series, 2), repeat(3)) == {candidate: ([], True) for candidate in range(300)}


WORDS = WordVocabulary(("the", " ", "cat", "'", "sat", "\r", "\n", ".", "don't", "s", *(f"w{c}" for c in "abcdefgh")))
HELD = (Held(0, 3, "hidden", 0.9), Held(0, 5, "cell", -2.0))


@pytest.mark.parametrize("kind", ["words", "counts", "held"])
def test_what_else_changes_a_choice_acts_as_ever(kind: str, make_checkpoint: MakeCheckpoint) -> None:
    """Ids that may not follow others, counts that are mixed, held cells: in all engines alike."""
    checkpoint = make_checkpoint("lstm", V, 24, tokens=WORDS if kind == "words" else None)
    checkpoint = with_counts(checkpoint) if kind == "counts" else checkpoint
    random, outputs = np.random.default_rng(7), checkpoint.config.outputs
    sequences = [
        Sequence(
            random.integers(0, outputs, 3).astype(np.int32),
            30,
            SamplingParams(seed=i, temperature=[1.0, 0.0, 2.0][i % 3], top_k=[0, 5][i % 2]),
            held=HELD if kind == "held" else (),
            fit=Fit(random_automaton(random, outputs)) if i % 4 else None,
        )
        for i in range(40)
    ]
    found = {}
    for name, build in BUILD.items():
        if name != "gpu" or kind != "counts":
            batch = build(checkpoint).batch(len(sequences))
            handles = [batch.add(sequence) for sequence in sequences]
            outputs_of = {output.handle: output for output in batch.step(100)}
            found[name] = [outputs_of[handle].ids.tolist() for handle in handles]
    for sequence, ids in zip(sequences, found["int8"], strict=True):
        assert sequence.fit is None or fits(sequence.fit.automaton, ids_of(*ids))
    assert found["float32"] == found["reference"] == found.get("gpu", found["reference"])
    assert len({len(ids) for ids in found["float32"]}) > 3
