"""States of prompts are found again by longer prompts, and take no more memory than they may."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from charrnn.engine.base import State
from charrnn.vocabulary import Ids
from service.generation.typed_prompts import LOOK_BACK, TypedPrompts

VERSION = ("digest", "int8")


def ids_of(*values: int) -> Ids:
    return np.array(values, dtype=np.int32)


def state(position: int) -> State:
    return State(np.zeros((1, 1, 4), np.float32), 0, position, ids_of(0), np.zeros(1, np.bool_))


IDS = st.lists(st.integers(0, 2), min_size=1, max_size=8)


@given(st.lists(IDS, max_size=8), IDS)
def test_the_longest_known_beginning_is_found(kept: list[list[int]], asked: list[int]) -> None:
    prompts = TypedPrompts()
    for number, ids in enumerate(kept):
        prompts.keep(VERSION, ids_of(*ids), state(number))
    known, found = prompts.longest(VERSION, ids_of(*asked))
    beginnings = [ids for ids in kept if asked[: len(ids)] == ids]
    assert known == max(map(len, beginnings), default=0)
    assert (found is None) == (not beginnings)
    assert found is None or kept[found.position] == asked[:known]
    assert prompts.longest(("other", "int8"), ids_of(*asked)) == (0, None)


def test_one_that_is_much_longer_is_read_anew() -> None:
    prompts = TypedPrompts()
    ids = np.arange(1000, dtype=np.int32)
    prompts.keep(VERSION, ids[:500], state(0))
    assert prompts.longest(VERSION, ids[: 499 + LOOK_BACK])[0] == 500
    assert prompts.longest(VERSION, ids[: 500 + LOOK_BACK])[0] == 0


def test_the_least_recently_used_are_dropped() -> None:
    prompts = TypedPrompts(most_bytes=3500)
    for number in range(3):
        prompts.keep(VERSION, ids_of(number), state(number))
    assert prompts.longest(VERSION, ids_of(0))[0] == 1, "it is used again"
    prompts.keep(VERSION, ids_of(3), state(3))
    assert [prompts.longest(VERSION, ids_of(number))[0] for number in range(4)] == [1, 0, 1, 1]
    assert prompts.bytes <= 3500
    prompts.keep(VERSION, ids_of(3), state(3))
    assert prompts.bytes == 3 * (16 + 1024), "the same again takes no more"
