from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.sampling import SamplingParams, adjusted, bias_of, choose, log_softmax, penalized, uniform

NOTHING = np.empty(0, np.int32), np.empty(0, np.bool_)
LOGITS = np.log(np.array([0.5, 0.25, 0.15, 0.1], np.float32))


def chosen(params: SamplingParams, times: int = 2000) -> dict[int, float]:
    """How often each id is chosen, over that many positions."""
    counts = Counter(choose(LOGITS, params, *NOTHING, position) for position in range(times))
    return {token: count / times for token, count in counts.items()}


def test_the_random_numbers_never_change() -> None:
    # Another number here would be another text for every seed that anybody has kept.
    assert [uniform(0, 0), uniform(0, 1), uniform(1, 0), uniform(-1, 10**9)] == [
        0.8833108082136426,
        0.43152799704850997,
        0.7497482413580301,
        0.15495121011739077,
    ]


def independent_uniform(seed: int, position: int) -> float:
    """SplitMix64 with numpy's 64-bit arithmetic, from its published description."""
    with np.errstate(over="ignore"):
        state = mixed(np.array([seed], np.int64).astype(np.uint64))
        state += np.uint64(position + 1) * np.uint64(0x9E3779B97F4A7C15)
        return float(mixed(state)[0] >> np.uint64(11)) / 2**53


def mixed(z: np.ndarray[tuple[int, ...], np.dtype[np.uint64]]) -> np.ndarray[tuple[int, ...], np.dtype[np.uint64]]:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@given(st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**40))
def test_a_random_number_is_a_function_of_seed_and_position(seed: int, position: int) -> None:
    assert 0 <= uniform(seed, position) < 1
    assert uniform(seed, position) == independent_uniform(seed, position)


def test_neighbouring_seeds_share_nothing() -> None:
    streams = [[uniform(seed, position) for position in range(500)] for seed in range(4)]
    assert len({value for stream in streams for value in stream}) == 2000
    assert all(abs(np.corrcoef(a, b)[0, 1]) < 0.15 for a, b in pairwise(streams))


def test_ids_come_as_often_as_the_model_says() -> None:
    assert chosen(SamplingParams()) == pytest.approx({0: 0.5, 1: 0.25, 2: 0.15, 3: 0.1}, abs=0.04)


def test_temperature_sharpens_and_flattens() -> None:
    assert chosen(SamplingParams(temperature=0.5))[0] == pytest.approx(0.25 / 0.345, abs=0.04)
    assert chosen(SamplingParams(temperature=10))[3] == pytest.approx(0.23, abs=0.04)


def test_temperature_0_is_the_likeliest_and_the_lowest_on_a_tie() -> None:
    greedy = SamplingParams(temperature=0)
    assert choose(LOGITS, greedy, *NOTHING, 0) == 0
    assert choose(np.array([1, 3, 3], np.float32), greedy, *NOTHING, 0) == 1


@pytest.mark.parametrize(
    ("params", "left"),
    [
        (SamplingParams(top_k=1), {0}),
        (SamplingParams(top_k=3), {0, 1, 2}),
        (SamplingParams(top_k=99), {0, 1, 2, 3}),
        (SamplingParams(top_p=0.5), {0}),
        (SamplingParams(top_p=0.7), {0, 1}),
        (SamplingParams(top_p=0.9), {0, 1, 2}),
        (SamplingParams(min_p=0.4), {0, 1}),
        (SamplingParams(min_p=1), {0}),
        (SamplingParams(top_k=2, top_p=0.6), {0}),
    ],
)
def test_what_is_cut_off_is_never_chosen(params: SamplingParams, left: set[int]) -> None:
    assert set(chosen(params)) == left


def test_the_penalty_divides_what_is_positive_and_multiplies_what_is_negative() -> None:
    logits = np.array([2, -2, 4, 0], np.float32)
    assert penalized(logits, np.array([0, 1, 1], np.int32), 2).tolist() == [1, -4, 4, 0]
    assert penalized(logits, NOTHING[0], 2) is logits


def test_frequency_is_subtracted_for_every_generated_occurrence_and_presence_once() -> None:
    logits = np.array([2, -2, 4, 0], np.float32)
    recent, generated = np.array([0, 1, 1, 3, 3], np.int32), np.array([False, True, True, True, False])
    params = SamplingParams(frequency_penalty=0.5, presence_penalty=0.25)
    assert adjusted(logits, params, recent, generated).tolist() == [2, -3.25, 4, -0.75]
    assert adjusted(logits, params, *NOTHING).tolist() == logits.tolist()


def test_what_acts_before_the_temperature_does_so_in_its_order() -> None:
    params = SamplingParams(
        allowed_token_ids=(0, 2), logit_bias=((0, 2.0), (1, 100.0)), repetition_penalty=2, frequency_penalty=0.5
    )
    logits, recent = np.array([2, 5, 4], np.float32), np.array([0, 1], np.int32)
    assert adjusted(logits, params, recent, np.array([True, True])).tolist() == [1.5, -np.inf, 4]


@pytest.mark.parametrize("temperature", [0, 1e-3, 1, 10])
def test_only_what_is_allowed_is_chosen(temperature: float) -> None:
    for allowed in ({3}, {1, 3}, {0, 2}):
        params = SamplingParams(temperature=temperature, allowed_token_ids=tuple(allowed), logit_bias=((3, -100.0),))
        assert set(chosen(params, 300)) <= allowed


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (SamplingParams(logit_bias=((4, 1.0),)), "ids must be from 0 to 3, not 4"),
        (SamplingParams(allowed_token_ids=(0, -1)), "ids must be from 0 to 3, not -1"),
        (SamplingParams(allowed_token_ids=()), "allowed_token_ids must have at least one id"),
    ],
)
def test_ids_that_there_are_not_have_no_bias(params: SamplingParams, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        bias_of(params, 4)


@given(st.lists(st.floats(-50, 50, width=32), min_size=1, max_size=50))
def test_log_softmax_is_a_distribution(logits: list[float]) -> None:
    assert np.exp(log_softmax(np.array(logits, np.float32)).astype(np.float64)).sum() == pytest.approx(1, abs=1e-4)


def test_log_softmax_of_two() -> None:
    assert log_softmax(np.array([0, math.log(3)], np.float32)).tolist() == pytest.approx(
        [math.log(0.25), math.log(0.75)]
    )
