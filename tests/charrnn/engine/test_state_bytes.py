"""States are written as bytes and read back bit for bit, and no other bytes are read."""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.checkpoint import Checkpoint
from charrnn.config import CELLS, Cell, ModelConfig
from charrnn.engine.base import Sequence, State
from charrnn.engine.state_bytes import EXACT, ROUNDED, packed, unpacked
from charrnn.sampling import RECENT_IDS, SamplingParams
from tests.charrnn.engine.engines import BUILD

V = 20
CONFIG = ModelConfig(V, "lstm", 3, layers=2)


def same(a: State, b: State) -> bool:
    arrays = all(getattr(a, f).tobytes() == getattr(b, f).tobytes() for f in ("hidden", "recent", "generated"))
    types = all(getattr(a, f).dtype == getattr(b, f).dtype for f in ("hidden", "recent", "generated"))
    return arrays and types and (a.last_id, a.position) == (b.last_id, b.position)


def made(hidden: np.ndarray[tuple[int, ...], np.dtype[np.float32]], count: int = 5) -> State:
    random = np.random.default_rng(count)
    ids = random.integers(0, V, count).astype(np.int32)
    return State(hidden, 7, 1 << 40, ids, random.integers(0, 2, count).astype(np.bool_))


floats = st.floats(-(2.0**25), 2.0**25, width=32)
levels = st.integers(-127, 127).map(lambda level: float(np.float32(level) / np.float32(127)))
states = st.builds(
    lambda numbers, count: made(np.array(numbers, dtype=np.float32).reshape(2, 2, 3), count),
    st.lists(floats, min_size=12, max_size=12)
    | st.tuples(st.lists(st.tuples(levels, levels, levels, floats, floats, floats), min_size=2, max_size=2)).map(
        lambda rows: [number for row in rows[0] for number in row]
    ),
    st.integers(0, RECENT_IDS),
)


@given(states)
def test_any_state_comes_back_bit_for_bit(state: State) -> None:
    assert same(unpacked(packed(state), CONFIG), state)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("name", BUILD)
def test_a_state_of_any_engine_comes_back_bit_for_bit(
    name: str, cell: Cell, make_checkpoint: Callable[..., Checkpoint]
) -> None:
    checkpoint = make_checkpoint(cell, V, 24, layers=2)
    batch = BUILD[name](checkpoint).batch(1)
    handle = batch.add(Sequence(np.array([1, 2], dtype=np.int32), 70, SamplingParams(seed=3)))
    for steps in (1, 1, 5, 64):
        state = batch.state(handle)
        data = packed(state)
        assert same(unpacked(data, checkpoint.config), state)
        batch.step(steps)
    assert data[1] == (ROUNDED if name == "int8" and cell != "gru" else EXACT)


@given(states, st.data())
def test_what_is_cut_or_longer_is_refused(state: State, data: st.DataObject) -> None:
    whole = packed(state)
    at = data.draw(st.integers(0, len(whole) - 1))
    for wrong in (whole[:at], whole + b"\0"):
        with pytest.raises(ValueError, match="state"):
            unpacked(wrong, CONFIG)


@given(states, st.data())
def test_whatever_bytes_are_read_make_a_state_of_the_network_or_are_refused(state: State, data: st.DataObject) -> None:
    whole = bytearray(packed(state))
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        found = unpacked(bytes(whole), CONFIG)
    except ValueError:
        return
    assert found.hidden.shape == CONFIG.state_shape and np.isfinite(found.hidden).all()
    assert found.recent.size == found.generated.size <= RECENT_IDS
    assert all(0 <= id_ < V for id_ in (*found.recent, found.last_id)) and 0 <= found.position < 1 << 63


@pytest.mark.parametrize(
    ("at", "layout", "value"),
    [
        *((0, "B", 2), (0, "B", 0), (1, "B", 2), (2, "B", 3), (3, "B", 1), (4, "H", 4), (6, "B", 65), (7, "I", V)),
        *((11, "Q", 1 << 63), (19, "i", -1), (19, "i", V)),
    ],
)
def test_values_that_no_state_of_the_network_has_are_refused(at: int, layout: str, value: int) -> None:
    data = bytearray(packed(made(np.full((2, 2, 3), 0.3, dtype=np.float32))))
    struct.pack_into(f"<{layout}", data, at, value)
    with pytest.raises(ValueError, match="state"):
        unpacked(bytes(data), CONFIG)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf, 1e30, -1e30])
def test_numbers_that_no_network_computes_with_are_refused(number: float) -> None:
    hidden = np.full((2, 2, 3), 0.3, dtype=np.float32)
    hidden[1, 1, 1] = number
    with pytest.raises(ValueError, match="that no state has"):
        unpacked(packed(made(hidden)), CONFIG)


def test_exponents_that_unpack_to_more_are_refused_without_unpacking_all_of_them() -> None:
    few, many = (packed(made(np.full((2, 2, n), 0.3, dtype=np.float32))) for n in (3, 1000))
    numbers_at = 19 + 5 * 4 + 1
    longer = few[: numbers_at + 36] + many[numbers_at + 12_000 :]
    with pytest.raises(ValueError, match="as many numbers"):
        unpacked(longer, CONFIG)
