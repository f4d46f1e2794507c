"""Sampling in the compiled step against its plain definition in charrnn.sampling."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numba import njit

from charrnn.engine.cpu import sampling
from charrnn.engine.cpu.filling import choice_struct
from charrnn.engine.cpu.structs import scratch_size
from charrnn.sampling import SamplingParams, bias_of, log_softmax, penalized, uniform
from charrnn.sampling import choose as plainly
from tests.charrnn.engine.choosing import CAN_BE_CHOSEN, LOGITS, is_borderline, sampled
from tests.laws import examples

Floats = npt.NDArray[np.float32]


@njit
def _choose(sequences: Any, logits: Any, probs: Any) -> tuple[int, int]:
    sequence, blocks = sequences[0], logits.size // 16
    chosen = sampling.choose(sequence, logits.ctypes.data, probs.ctypes.data, blocks)
    if sequence.plain:
        sampling.exponentiate_logits(sequence, logits.ctypes.data, blocks)
        return chosen, sampling.draw(sequence, logits.ctypes.data, probs.ctypes.data, blocks)
    return chosen, chosen


@njit
def _uniform(seed: Any, position: Any) -> Any:
    return sampling.uniform(seed, position)


def padded(logits: Floats) -> Floats:
    return np.pad(logits, (0, -logits.size % 32), constant_values=-np.inf)


def compiled(logits: Floats, params: SamplingParams, recent: Any = (), generated: Any = (), position: int = 0) -> int:
    bias, whole = bias_of(params, logits.size), padded(logits)
    # Beyond the vocabulary no bias is known: there is nothing that it could make of -inf.
    added = np.zeros(whole.size, np.float32)
    added[: logits.size] = 0 if bias is None else bias
    ids, flags = np.array(recent, dtype=np.int32), np.array(generated, dtype=np.bool_)
    sequences = choice_struct(params, position, ids, flags, 0 if bias is None else added.ctypes.data)
    scratch = np.zeros(scratch_size(whole.size // 16), dtype=np.float32)
    found = _choose(sequences, whole.copy(), scratch)
    assert found[0] == found[1]
    assert not scratch[-whole.size :].any(), "the counts are as they were"
    return int(found[0])


@given(seed=st.integers(0, 2**64 - 1), position=st.integers(0, 2**40))
def test_the_random_number_is_the_same(seed: int, position: int) -> None:
    assert _uniform(np.uint64(seed), np.uint64(position)) == uniform(seed, position)


@examples(120)
@given(
    drawn=st.sampled_from([2, 16, 17, 65, 96, 256, 300, 3000]).flatmap(lambda v: st.tuples(st.just(v), sampled(v))),
    seed=st.integers(0, 2**32),
)
@example(drawn=(96, SamplingParams(top_k=7, repetition_penalty=1.4)), seed=1979)  # a near tie at the seventh place
def test_the_choice_is_the_definitions(drawn: tuple[int, SamplingParams], seed: int) -> None:
    vocabulary, params = drawn
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, vocabulary).astype(np.float32).round(int(random.integers(1, 6)))
    recent = random.integers(0, vocabulary, random.integers(0, 65)).astype(np.int32)
    position = int(random.integers(100))
    asked = (logits, params, recent, random.integers(0, 2, recent.size).astype(np.bool_), position)
    found = compiled(*asked)
    assert found == plainly(*asked) or is_borderline(*asked, found)
    assert params.allowed_token_ids is None or found in params.allowed_token_ids


def test_frequencies_are_the_probabilities() -> None:
    logits = np.random.default_rng(5).normal(0, 1.5, 40).astype(np.float32)
    n = 20_000
    found = np.bincount([compiled(logits, SamplingParams(seed=7), position=i) for i in range(n)], minlength=40)
    expected = n * np.exp(log_softmax(logits).astype(np.float64))
    assert (np.abs(found - expected) < 5 * np.sqrt(expected) + 1).all()


@pytest.mark.parametrize(("params", "expected"), CAN_BE_CHOSEN)
def test_which_ids_can_be_chosen(params: SamplingParams, expected: set[int]) -> None:
    found = {compiled(LOGITS, replace(params, seed=seed)) for seed in range(400)}
    assert found == expected


def test_a_penalty_counts_an_id_once() -> None:
    logits = np.array([2.0, 1.5, -1.0], dtype=np.float32)
    params = SamplingParams(temperature=0, repetition_penalty=1.3)
    assert compiled(logits, params, [0]) == int(penalized(logits, np.array([0], np.int32), 1.3).argmax()) == 0 + 0
    assert compiled(logits, params, [0, 0, 0]) == 0
    assert compiled(logits, SamplingParams(temperature=0, repetition_penalty=1.4), [0, 0]) == 1
