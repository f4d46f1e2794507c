"""What a tile reads in the next steps, against the members that it is made of."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from charrnn.engine.base import Sequence
from charrnn.engine.gpu.inputs import CHOOSE, REST, ROW, Inputs, inputs_for, reported, row_of
from charrnn.engine.sequences import Member
from charrnn.sampling import RECENT_IDS, SamplingParams, bias_of, uniform
from charrnn.vocabulary import Ids

V = 20
WIDTH = 32


def ids_of(*values: int) -> Ids:
    return np.array(values, dtype=np.int32)


def member_of(prompt: Ids, length: int, params: SamplingParams, computed: int = 0, score: bool = False) -> Member:
    member = Member.of(0, 0, Sequence(prompt, length, params, score=score), bias_of(params, V), V)
    member.ids[member.prompt_size :] = np.arange(length)
    member.computed = computed
    return member


def inputs_of(members: list[Member], n: int, steps: int) -> Inputs:
    rows = np.array([row_of(at_first(member), V) for member in members], dtype=ROW)
    return inputs_for(members, rows, n, steps, width=WIDTH, device=torch.device("cpu"))


def at_first(member: Member) -> Member:
    """The member as it came."""
    return Member.of(0, 0, member.sequence, member.bias, V)


def test_rows_read_their_prompts_then_choose_then_rest() -> None:
    params = SamplingParams(seed=-7)
    reading, choosing = member_of(ids_of(3, 1, 4, 1), 3, params, 1), member_of(ids_of(3, 1), 9, params, 5)
    inputs = inputs_of([reading, choosing], 4, 6)
    assert inputs.last.tolist() == [1, 3, 0, 0]
    assert inputs.before.tolist() == [3, 2, -1, -1]
    assert inputs.coming[:, 0].tolist() == [4, 1, CHOOSE, CHOOSE, CHOOSE, REST]
    assert inputs.coming[:, 1].tolist() == [CHOOSE] * 5 + [REST]
    assert (inputs.coming[:, 2:] == REST).all()


def test_random_numbers_are_those_of_the_positions_that_are_chosen() -> None:
    params = SamplingParams(seed=2**63 + 5)
    reading, choosing = member_of(ids_of(3, 1, 4, 1), 3, params, 1), member_of(ids_of(3, 1), 9, params, 5)
    uniforms = inputs_of([reading, choosing], 2, 4).uniforms
    assert uniforms[2:, 0].tolist() == [uniform(params.seed, position) for position in (0, 1)]
    assert uniforms[:, 1].tolist() == [uniform(params.seed, choosing.position + t) for t in range(4)]


def test_recent_ids_are_sent_where_they_count_the_newest_last() -> None:
    penalized = SamplingParams(frequency_penalty=0.5)
    some, plain = member_of(ids_of(3, 1), 9, penalized, 3), member_of(ids_of(5), 9, SamplingParams(), 3)
    sampling = inputs_of([some, plain], 8, 2).sampling
    assert sampling.recent.shape == (RECENT_IDS, 8)
    assert sampling.recent[-5:, 0].tolist() == [WIDTH, 3, 1, 0, 1]
    assert sampling.generated[-5:, 0].tolist() == [0, 0, 0, 1, 1]
    assert (sampling.recent[:, 1:] == WIDTH).all() and not sampling.generated[:, 1:].any()
    assert inputs_of([plain], 8, 2).sampling.recent.shape == (RECENT_IDS, 0)


@pytest.mark.parametrize(
    ("params", "filtered", "penalized", "top_k"),
    [
        (SamplingParams(), False, False, V),
        (SamplingParams(top_k=V + 5), False, False, V),
        (SamplingParams(top_k=3), True, False, 3),
        (SamplingParams(top_p=0.5), True, False, V),
        (SamplingParams(min_p=0.5, temperature=0), False, False, V),
        (SamplingParams(presence_penalty=-1, temperature=0), True, True, V),
    ],
)
def test_a_row_says_what_its_choice_needs(params: SamplingParams, filtered: bool, penalized: bool, top_k: int) -> None:
    row = np.array([row_of(member_of(ids_of(1), 5, params), V)], dtype=ROW)[0]
    assert (row["filtered"], row["penalized"], row["top_k"], row["biased"]) == (filtered, penalized, top_k, False)


def test_logarithms_are_reported_only_while_they_are_asked_for() -> None:
    asked = [(None, False), (2, False), (None, True), (V + 1, True)]
    for computed, expected in ((0, [-1, 2, 0, V]), (2, [-1, 2, -1, V])):
        members = [member_of(ids_of(1, 2), 5, SamplingParams(logprobs=n), computed, score) for n, score in asked]
        rows = np.array([row_of(at_first(member), V) for member in members], dtype=ROW)
        assert reported(rows, members).tolist() == expected
