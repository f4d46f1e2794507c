"""Candidates come in the order of their numbers, in whatever order they end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from charrnn.engine.base import Engine, Finished, Series, State
from charrnn.vocabulary import Vocabulary
from service.generation.records.candidates import MAX_SLOTS, Candidates

STATE = State(np.zeros((1, 1, 1), np.float32), 0, 0, np.zeros(1, np.int32), np.zeros(1, np.bool_))
VOCABULARY = Vocabulary("abc")


class Scripted:
    """An engine whose series ends candidates as it is told: each call's, as (number, ids, whether it has ended)."""

    def __init__(self, calls: list[list[tuple[int, list[int], bool]]]) -> None:
        self.calls: Iterator[list[tuple[int, list[int], bool]]] = iter(calls)
        self.asked: list[int] = []
        self.slots = 0

    def series(self, _: Series, slots: int) -> Scripted:
        self.slots = slots
        return self

    def step(self, steps: int) -> Finished:
        self.asked.append(steps)
        found = next(self.calls)
        ids = np.array([id_ for _, text, _ in found for id_ in text], np.int32)
        offsets = np.cumsum([0, *(len(text) for _, text, _ in found)], dtype=np.int64)
        numbers, ended = [number for number, _, _ in found], [end for _, _, end in found]
        return Finished(np.array(numbers, np.int64), ids, offsets, np.array(ended, np.bool_))


@given(st.lists(st.tuples(st.lists(st.integers(0, 2), max_size=3), st.booleans()), min_size=1, max_size=30), st.data())
def test_they_come_in_order_and_each_once(results: list[tuple[list[int], bool]], data: st.DataObject) -> None:
    first = data.draw(st.integers(0, 1 << 40))
    order = data.draw(st.permutations([(first + i, *result) for i, result in enumerate(results)]))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(order)), max_size=4)))
    calls = [order[a:b] for a, b in zip([0, *cuts], [*cuts, len(order)], strict=True)]
    made = Candidates(cast(Engine, Scripted(calls)), Series(STATE, 9, first=first), 2, VOCABULARY)
    texts: list[str] = []
    ended: list[bool] = []
    for _ in calls:
        found, cut_off = made.in_order(made.step(0.002))
        texts += found
        ended += [i not in cut_off for i in range(len(found))]
    assert texts == ["".join("abc"[id_] for id_ in ids) for ids, _ in results]
    assert ended == [end for _, end in results]


def test_calls_get_longer_until_they_take_their_time() -> None:
    scripted = Scripted([[]] * 9)

    def clock() -> float:
        return sum(scripted.asked) * 1e-4

    made = Candidates(cast(Engine, scripted), Series(STATE, 9), 1000, VOCABULARY, clock)
    for seconds in [0.002] * 7 + [0.0005] * 2:
        made.step(seconds)
    assert scripted.slots == MAX_SLOTS
    assert scripted.asked[:5] == [1, 2, 4, 8, 16] and set(scripted.asked[5:7]) <= {19, 20}
    assert set(scripted.asked[7:]) <= {4, 5}
