"""The struct that compiled code reads says what the member says."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from charrnn.engine.base import Sequence, State
from charrnn.engine.cpu.filling import choice_struct, member_struct
from charrnn.engine.cpu.structs import SEQUENCE_STRUCT
from charrnn.engine.sequences import Member
from charrnn.sampling import RECENT_IDS, SamplingParams
from charrnn.vocabulary import Ids

V = 9
NONE = np.zeros(0, np.bool_)


def ids_of(*values: int) -> Ids:
    return np.array(values, dtype=np.int32)


def test_addresses_and_counters_are_the_members() -> None:
    state = State(np.zeros((1, 1, 4), np.float32), 3, 17, ids_of(5, 3), np.array([False, True]))
    member = Member.of(0, 0, Sequence(ids_of(1, 2), 4, SamplingParams(logprobs=2), state, score=True), None, V)
    struct = np.array([member_struct(member, 1234)], dtype=SEQUENCE_STRUCT)[0]
    assert [struct[name] for name in ("prompt_size", "total", "computed", "position", "top")] == [3, 7, 0, 17, 2]
    assert (struct["bias"], struct["adjusted"], struct["score"], struct["report"]) == (1234, 1, 1, 1)
    assert struct["recent"][:2].tolist() == [5, 3] and struct["generated"][:2].tolist() == [0, 1]
    assert struct["recent_count"] == 2
    read = ctypes.cast(int(struct["ids"]), ctypes.POINTER(ctypes.c_int32))
    assert read[:3] == [3, 1, 2]
    assert member.logprobs is not None
    ctypes.cast(int(struct["chosen"]), ctypes.POINTER(ctypes.c_float))[6] = -0.5
    ctypes.cast(int(struct["tops"]), ctypes.POINTER(ctypes.c_float))[13] = -0.25
    ctypes.cast(int(struct["top_ids"]), ctypes.POINTER(ctypes.c_int32))[12] = 8
    assert member.logprobs.chosen[6] == -0.5
    assert member.logprobs.top[6, 1] == -0.25 and member.logprobs.top_ids[6, 0] == 8


@pytest.mark.parametrize("n", [0, 1, RECENT_IDS - 1, RECENT_IDS, RECENT_IDS + 9])
def test_the_latest_ids_are_a_ring_that_begins_with_the_oldest(n: int) -> None:
    ids = np.arange(n, dtype=np.int32)
    struct = choice_struct(SamplingParams(), 0, ids, ids % 2 == 1, 0)[0]
    kept = min(n, RECENT_IDS)
    assert struct["recent_count"] == kept
    assert struct["recent"][:kept].tolist() == ids[-kept or n :].tolist()
    assert struct["generated"][:kept].tolist() == (ids % 2)[-kept or n :].tolist()


@pytest.mark.parametrize(
    ("params", "flags"),
    [
        (SamplingParams(), {"plain"}),
        (SamplingParams(temperature=0), {"greedy"}),
        (SamplingParams(top_k=3), {"filtered"}),
        (SamplingParams(top_p=0.5), {"filtered"}),
        (SamplingParams(min_p=0.5), {"filtered"}),
        (SamplingParams(logprobs=0), {"report"}),
        (SamplingParams(repetition_penalty=1.1), {"adjusted", "penalized"}),
        (SamplingParams(presence_penalty=-1), {"adjusted", "penalized"}),
        (SamplingParams(frequency_penalty=1), {"adjusted", "penalized"}),
    ],
)
def test_flags_say_what_a_choice_needs(params: SamplingParams, flags: set[str]) -> None:
    struct = choice_struct(params, 0, ids_of(), NONE, 0)[0]
    assert {
        name for name in ("plain", "greedy", "filtered", "report", "adjusted", "penalized") if struct[name]
    } == flags


def test_a_seed_counts_by_its_lowest_64_bits_and_a_factor_is_finite() -> None:
    struct = choice_struct(SamplingParams(seed=-1, temperature=1e-40), 0, ids_of(), NONE, 0)[0]
    assert struct["seed"] == 2**64 - 1 and np.isfinite(struct["factor"])
