"""The choice in tensor operations against its plain definition in charrnn.sampling."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from charrnn import sampling
from charrnn.engine.gpu.network import rounded
from charrnn.engine.gpu.sampling import SamplingTensors, choose, logarithms, uniform
from charrnn.sampling import RECENT_IDS, Logits, SamplingParams
from tests.charrnn.engine.choosing import CAN_BE_CHOSEN, LOGITS, is_borderline, sampled
from tests.laws import examples

Ids = list[int]


def padded(logits: Logits) -> torch.Tensor:
    width = rounded(logits.shape[1])
    return torch.from_numpy(np.pad(logits, ((0, 0), (0, width - logits.shape[1])), constant_values=-np.inf))


def chosen(
    logits: Logits,
    params: list[SamplingParams],
    recent: Any,
    generated: Any = None,
    position: int = 0,
    *,
    filters: bool = True,
) -> Ids:
    """The ids that rows of logits [rows, vocabulary] choose, each by its own parameters, with its `recent` ids."""
    size = logits.shape[1]
    biases = [sampling.bias_of(each, size) for each in params]
    biased = [row if bias is None else row + bias for row, bias in zip(logits, biases, strict=True)]
    whole = padded(np.stack(biased))
    latest = torch.full((RECENT_IDS, len(params)), whole.shape[1])
    flags = torch.zeros(RECENT_IDS, len(params))
    for row, ids in enumerate(recent):
        latest[: len(ids), row] = torch.tensor(ids, dtype=torch.int64)
        flags[: len(ids), row] = 0 if generated is None else torch.from_numpy(generated[row]).float()

    def numbers(*names: str) -> list[torch.Tensor]:
        return [torch.tensor([getattr(each, name) for each in params]).float() for name in names]

    top_k = torch.tensor([each.top_k if 0 < each.top_k < size else size for each in params])
    shares = numbers("temperature", "top_p", "min_p")
    penalties = numbers("repetition_penalty", "presence_penalty", "frequency_penalty")
    choice = SamplingTensors(*[*shares, *penalties, top_k, latest, flags])
    seeds = torch.from_numpy(np.array([each.seed for each in params], dtype=np.uint64).view(np.int64))
    return choose(whole, choice, uniform(seeds, torch.full_like(seeds, position)), filters=filters).tolist()


@given(seed=st.integers(0, 2**64 - 1), position=st.integers(0, 2**40))
def test_the_random_number_is_the_same(seed: int, position: int) -> None:
    seeds = torch.from_numpy(np.array([seed], dtype=np.uint64).view(np.int64))
    assert uniform(seeds, torch.tensor([position])).item() == sampling.uniform(seed, position)


@examples(30)
@given(
    drawn=st.sampled_from([2, 16, 17, 65, 96, 300, 3000]).flatmap(
        lambda v: st.tuples(st.just(v), st.lists(sampled(v), min_size=8, max_size=8))
    ),
    seed=st.integers(0, 2**32),
)
def test_the_choice_is_the_definitions(drawn: tuple[int, list[SamplingParams]], seed: int) -> None:
    vocabulary, params = drawn
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, (8, vocabulary)).astype(np.float32).round(int(random.integers(1, 6)))
    recent = [random.integers(0, vocabulary, random.integers(0, 65)).astype(np.int32) for _ in params]
    generated = [random.integers(0, 2, ids.size).astype(np.bool_) for ids in recent]
    position = int(random.integers(100))
    for i, found in enumerate(chosen(logits, params, recent, generated, position)):
        asked = logits[i], params[i], recent[i], generated[i], position
        assert found == sampling.choose(*asked) or is_borderline(*asked, found)


@examples(25)
@given(seed=st.integers(0, 2**32), vocabulary=st.sampled_from([2, 65, 300]))
def test_a_plain_row_chooses_the_same_with_and_without_filters(seed: int, vocabulary: int) -> None:
    logits = np.random.default_rng(seed).normal(0, 4, (8, vocabulary)).astype(np.float32)
    params = [SamplingParams(seed + i, temperature=i / 2) for i in range(8)]
    recent = [[0, 1]] * 8
    assert chosen(logits, params, recent) == chosen(logits, params, recent, filters=False)


@pytest.mark.parametrize(("params", "expected"), CAN_BE_CHOSEN)
def test_which_ids_can_be_chosen(params: SamplingParams, expected: set[int]) -> None:
    many = [replace(params, seed=seed) for seed in range(400)]
    assert set(chosen(np.tile(LOGITS, (400, 1)), many, [[]] * 400)) == expected


def test_a_penalty_counts_an_id_once() -> None:
    logits = np.array([[2.0, 1.5, -1.0]] * 3, dtype=np.float32)
    mild, strong = (SamplingParams(temperature=0, repetition_penalty=penalty) for penalty in (1.3, 1.4))
    assert chosen(logits, [mild, mild, strong], [[0], [0, 0, 0], [0, 0]]) == [0, 0, 1]


@pytest.mark.parametrize("vocabulary", [2, 30, 500])
def test_the_likeliest_ids_and_their_logarithms(vocabulary: int) -> None:
    logits = np.random.default_rng(1).normal(0, 3, (8, vocabulary)).astype(np.float32).round(1)
    k = min(20, vocabulary)
    mine, top_ids, top = logarithms(padded(logits), torch.ones(8, dtype=torch.int64), k, vocabulary)
    for i in range(8):
        order = np.argsort(-logits[i], kind="stable")[:k]
        expected = sampling.log_softmax(logits[i])
        assert top_ids[i].tolist() == order.tolist()
        np.testing.assert_allclose(top[i].numpy(), expected[order], atol=3e-6)
        assert mine[i].item() == pytest.approx(expected[1], abs=3e-6)
