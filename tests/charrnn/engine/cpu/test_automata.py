"""What the compiled step looks up in an automaton says what the automaton says, as long as somebody uses it."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st

from charrnn.engine.cpu.automata import MASK_BYTES, AutomatonTables
from charrnn.engine.cpu.memory import aligned_zeros
from charrnn.engine.cpu.structs import AUTOMATON_STATE, AUTOMATON_STRUCT
from charrnn.engine.fitting import MOST_SPARE_BYTES
from charrnn.patterns.automaton import Automaton
from tests.charrnn.engine.automata import automaton_of, random_automaton

V, WIDTH = 20, 32


def at(address: int, shape: tuple[int, ...], dtype: Any) -> npt.NDArray[Any]:
    """What compiled code reads at the address."""
    count = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return np.frombuffer(ctypes.string_at(address, count), dtype=dtype).reshape(shape)


def read(address: int, automaton: Automaton) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """The AUTOMATON_STRUCT, and its states."""
    struct = at(address, (1,), AUTOMATON_STRUCT)[0]
    return struct, at(int(struct["states"]), (len(automaton),), AUTOMATON_STATE)


@given(seed=st.integers(0, 2**32))
def test_it_says_what_the_automaton_says(seed: int) -> None:
    automaton = random_automaton(np.random.default_rng(seed), V)
    tables = AutomatonTables(WIDTH, aligned_zeros)
    struct, states = read(tables.take(automaton).address, automaton)
    following = at(int(struct["following"]), automaton.following.shape, np.int32)
    classes = at(int(struct["classes"]), (V,), np.int32)
    masks = at(int(struct["masks"]), (len(automaton.takes), WIDTH), np.float32)
    assert struct["class_count"] == following.shape[1]
    for number, state in enumerate(states):
        takes = following[number, classes] >= 0
        assert takes.tolist() == automaton.choosable(number, 100).tolist()
        assert masks[state["mask"]].tolist() == [0.0 if each else -np.inf for each in takes] + [-np.inf] * (WIDTH - V)
        ids = np.flatnonzero(takes).tolist()
        assert state["only"] == (ids[0] if len(ids) == 1 else -1)
        assert state["distance"] == automaton.distances[number]
        after = [int(automaton.distances[following[number, classes[id_]]]) for id_ in ids]
        assert not after or (state["nearest"], state["farthest"]) == (min(after), max(after))


def test_sequences_share_a_table_which_waits_for_others_after_the_last_one() -> None:
    tables = AutomatonTables(WIDTH, aligned_zeros)
    one, same = (automaton_of([[1], [-1, 0]], [0], V) for _ in range(2))
    first = tables.take(one)
    assert tables.take(one) is first and len(tables) == 1
    assert tables.take(same) is not first and len(tables) == 2
    assert (tables.leave(one), tables.leave(same)) == (False, True)
    assert len(tables) == 1 and tables.mask_bytes == 2 * 2 * 4 * WIDTH
    assert tables.leave(one) and len(tables) == 0
    assert [automaton for automaton, _ in tables.items()] == [one], "of those that are left, the last one is kept"
    assert tables.take(one) is first and len(tables) == 1
    assert tables.leave(one)
    tables.take(same)
    assert [automaton for automaton, _ in tables.items()] == [same], "until another one comes"


def test_a_large_table_is_freed_at_once() -> None:
    tables = AutomatonTables(WIDTH, aligned_zeros)
    states = MOST_SPARE_BYTES // 16
    zeros = np.zeros((states, 1), np.int32)
    large = Automaton(zeros, np.zeros(V, np.int32), zeros[:, 0])
    assert large.nbytes > MOST_SPARE_BYTES and tables.take(large) and tables.leave(large)
    assert not list(tables.items()) and tables.mask_bytes == 0


def test_states_for_whose_masks_there_is_no_room_have_none() -> None:
    width = MASK_BYTES // 4 // 3
    tables = AutomatonTables(width, aligned_zeros)
    chain = automaton_of([[-1] * i + [i + 1] for i in range(4)] + [[]], [4], V)
    _, states = read(tables.take(chain).address, chain)
    assert sorted(states["mask"].tolist()) == [-1, -1, 0, 1, 2] and tables.mask_bytes <= MASK_BYTES
    assert states["only"].tolist() == [0, 1, 2, 3, -1]
    other = automaton_of([[0]], [0], V)
    _, states = read(tables.take(other).address, other)
    assert states["mask"].tolist() == [-1]
    tables.leave(chain)
    tables.leave(other)
    another = automaton_of([[0]], [0], V)
    _, states = read(tables.take(another).address, another)
    assert states["mask"].tolist() == [0]
